// Output of `sc.exe query`, recorded from hosts, and falsified.
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
  auto report = ReadWindowsService("mailboxcreation", output);
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
  for (const char* output :
       {"", "\r\n", "access denied", "[SC] OpenSCManager FAILED 5:\r\n", "STATE : running",
        "STATE : 4 RUNNING", "SERVICE_NAME: STATE : 4 RUNNING", "STATE",
        "STATE :", "FAILED 1060:", "[SC] EnumQueryServicesStatus:OpenService FAILED 10600:\r\n",
        "SERVICE_NAME: x\r\n TYPE : 10\r\n STATE : 99 X\r\n CODE : 0\r\n",
        "SERVICE_NAME: x\r\n TYPE : 10\r\n STATE : 1 STOPPED\r\n"}) {
    EXPECT_FALSE(ReadWindowsService("x", output)) << output;
  }
  EXPECT_FALSE(ReadWindowsService("another", Output("4  RUNNING")));
}

TEST(WindowsService, TakesNoOtherNumberForTheState) {
  // A per-user service shows a type that is no decimal number.
  std::string output = Output("4  RUNNING", "1  (0x1)");
  output.replace(output.find(": 10"), 4, ": e0");
  EXPECT_EQ(State(output), ServiceState::kActive);
  output.replace(output.find(": 4"), 3, ": -");
  EXPECT_FALSE(ReadWindowsService("MailboxCreation", output)) << "its exit code is no state";
}

TEST(WindowsService, ReadsAStateInAnyLanguage) {
  EXPECT_EQ(State("\r\nNOMBRE_SERVICIO: MailboxCreation \r\n"
                  "        TIPO               : 10  WIN32_OWN_PROCESS  \r\n"
                  "        ESTADO             : 4  RUNNING \r\n"
                  "                                (STOPPABLE, NOT_PAUSABLE, ACCEPTS_SHUTDOWN)\r\n"
                  "        C\xd3"
                  "D_SALIDA_WIN32   : 0  (0x0)\r\n"
                  "        C\xd3"
                  "D_SALIDA_SERVICIO: 0  (0x0)\r\n"
                  "        PUNTO_COMPROB.     : 0x0\r\n        INDICACI\xd3N_ESPERA  : 0x0\r\n"),
            ServiceState::kActive);
  for (const char* said : {"[SC] EnumQueryServicesStatus:OpenService FEHLER 1060:\r\n\r\nDer ...",
                           "[SC] EnumQueryServicesStatus:OpenService ERROR 1060:\r\n\r\nEl ..."}) {
    EXPECT_EQ(State(said), ServiceState::kAbsent) << said;
  }
}

TEST(WindowsService, AsksInAWayThatNoShellReadsDifferently) {
  EXPECT_EQ(WindowsServiceCommand("Spooler"), "sc.exe query Spooler");
  // echo -n "sc.exe query 'MSSQL\$X'" | iconv -t UTF-16LE | base64 -w 0
  EXPECT_EQ(WindowsServiceCommand("MSSQL$X"),
            "powershell.exe -NoProfile -NonInteractive -EncodedCommand "
            "cwBjAC4AZQB4AGUAIABxAHUAZQByAHkAIAAnAE0AUwBTAFEATAAkAFgAJwA=");
  EXPECT_EQ(WindowsServiceCommand("a b"),
            "powershell.exe -NoProfile -NonInteractive -EncodedCommand "
            "cwBjAC4AZQB4AGUAIABxAHUAZQByAHkAIAAnAGEAIABiACcA");
}

}  // namespace
}  // namespace mailhub::exporter
