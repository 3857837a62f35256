// What `sc.exe query` prints, as recorded from hosts, and as a host that lies might.
#include "exporter/collector/windows_services.h"

#include <gtest/gtest.h>

namespace mailhub::exporter {
namespace {

std::string Output(const std::string& state, const std::string& exit_code = "0  (0x0)") {
  return "\r\nSERVICE_NAME: MailboxCreation \r\n        TYPE               : 10  WIN32_OWN_PROCESS "
         " \r\n"
         "        STATE              : " +
         state +
         " \r\n                                (STOPPABLE, NOT_PAUSABLE, ACCEPTS_SHUTDOWN)\r\n"
         "        WIN32_EXIT_CODE    : " +
         exit_code +
         "\r\n        SERVICE_EXIT_CODE  : 0  (0x0)\r\n        CHECKPOINT         : 0x0\r\n"
         "        WAIT_HINT          : 0x0\r\n";
}

ServiceState State(const std::string& output) {
  auto report = ReadWindowsService(output);
  EXPECT_TRUE(report) << output;
  return report ? report->state : ServiceState::kAbsent;
}

TEST(WindowsService, MapsEveryStateIntoTheCommonSchema) {
  EXPECT_EQ(State(Output("4  RUNNING")), ServiceState::kActive);
  EXPECT_EQ(State(Output("2  START_PENDING")), ServiceState::kActivating);
  EXPECT_EQ(State(Output("5  CONTINUE_PENDING")), ServiceState::kActivating);
  EXPECT_EQ(State(Output("3  STOP_PENDING")), ServiceState::kDeactivating);
  EXPECT_EQ(State(Output("6  PAUSE_PENDING")), ServiceState::kDeactivating);
  EXPECT_EQ(State(Output("1  STOPPED")), ServiceState::kInactive);
  EXPECT_EQ(State(Output("7  PAUSED")), ServiceState::kInactive);
}

TEST(WindowsService, TellsAFailedServiceFromAStoppedOne) {
  EXPECT_EQ(State(Output("1  STOPPED", "1067  (0x42b)")), ServiceState::kFailed);
  EXPECT_EQ(State(Output("1  STOPPED", "1077  (0x435)")), ServiceState::kInactive);
  EXPECT_EQ(State(Output("4  RUNNING", "1067  (0x42b)")), ServiceState::kActive);
}

TEST(WindowsService, ReadsThatThereIsNoSuchService) {
  EXPECT_EQ(State("[SC] EnumQueryServicesStatus:OpenService FAILED 1060:\r\n\r\n"
                  "The specified service does not exist as an installed service.\r\n\r\n"),
            ServiceState::kAbsent);
}

TEST(WindowsService, DoesNotGuess) {
  for (const char* output : {"", "\r\n", "access denied", "[SC] OpenSCManager FAILED 5:\r\n",
                             "STATE : running", "STATE : 99 X", "SERVICE_NAME: STATE : 4 RUNNING",
                             "STATE", "STATE :", "FAILED 10600:", "FAILED "}) {
    EXPECT_FALSE(ReadWindowsService(output)) << output;
  }
  EXPECT_EQ(State("STATE : 4 RUNNING"), ServiceState::kActive);
}

}  // namespace
}  // namespace mailhub::exporter
