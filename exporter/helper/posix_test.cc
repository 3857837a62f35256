// Hosts without /proc: recorded output of their ps and who, used instead of the helper's own.
#include <gmock/gmock.h>

#include "exporter/helper/helper_testing.h"

namespace mailhub::exporter {
namespace {

class PosixTest : public HelperTest {
 protected:
  void SetUp() override {
    HelperTest::SetUp();
    host_.platform = config::Platform::kPosix;
    host_.processes["eddy"] = {"/opt/isode/eddy", "", ""};
    host_.processes["absent"] = {"/opt/isode/absent", "", ""};
    fs::create_directories(folder_ / "standins");
    Change("PATH=/usr/xpg4", "PATH=" + File("standins") + ":/usr/xpg4");
    Standin("who", "echo '   .       system boot  Nov 25 10:11'");
    Standin("vmstat", "echo ' 75437 idle   cpu'");
  }

  void Standin(const std::string& name, const std::string& text) {
    const fs::path path = folder_ / "standins" / name;
    std::ofstream(path) << "#!/bin/sh\n" << text << "\n";
    fs::permissions(path, fs::perms::owner_all);
  }

  // A ps that knows these keywords and prints a table with these values of time and etime; $PPID is
  // the helper, or a subshell whose parent is the helper.
  void Ps(const std::string& keywords, const std::string& time, const std::string& etime,
          const std::string& more = "") {
    Standin(
        "ps",
        R"(
words= only= all=
while [ $# -gt 0 ]; do
  case $1 in
    -o) w=${2%=}; case " )" +
            keywords +
            R"( " in *" $w "*) words="$words $w" ;; *) echo "ps: $w: keyword not found" >&2; exit 1 ;; esac; shift ;;
    -p) only=$2; shift ;;
    -A) all=1 ;;
    -ww) ;;
    *) echo "ps: illegal option $1" >&2; exit 1 ;;
  esac
  shift
done
row() { # PID RSS THREADS ARGS
  [ -n "$only" ] && [ "$only" != "$1" ] && return
  line=
  for w in $words; do
    case $w in
      pid) v=$1 ;; rss | rssize) v=$2 ;; nlwp | thcount) v=$3 ;; time) v=')" +
            time + R"(' ;; etime) v=')" + etime + R"(' ;;
      args) v=$4 ;; lstart) v='Wed Nov 25 10:11:12 2026' ;; *) v=- ;;
    esac
    line="$line $v"
  done
  echo "$line"
}
row 1 100 1 /sbin/init
row 77 2048 3 '/opt/isode/eddy -D /x'
self=$(cat ')" +
            File("self") + R"(')
row $self 10 1 'sh helper'
)" + more);
  }

  Seen LookThere() {
    StartHelper(host_);
    std::ofstream(File("self")) << helper_->pid();
    return Look(host_);
  }

  double Figure(const Seen& seen, const std::string& name) {
    return Value(seen.families, name, {{"process", "eddy"}}).value_or(-1);
  }

  config::Host host_;
};

TEST_P(PosixTest, ReadsThePsOfAix) {
  Ps("pid time etime rssize thcount args lstart", "00:00:05", "12-03:04:05");
  const Seen seen = LookThere();
  ASSERT_TRUE(seen.outcomes.at("processes")) << seen.outcomes.at("processes").error().message;
  EXPECT_EQ(Running(seen, "eddy"), 1);
  EXPECT_EQ(Running(seen, "absent"), 0);
  EXPECT_EQ(Figure(seen, "mailhub_process_resident_memory_bytes"), 2048 * 1024);
  EXPECT_EQ(Figure(seen, "mailhub_process_threads"), 3);
}

TEST_P(PosixTest, ReadsThePsOfMacosWhichCountsNoThreads) {
  Ps("pid time etime rss args lstart", "0:00.05", "03-04:05:06");
  const Seen seen = LookThere();
  ASSERT_TRUE(seen.outcomes.at("processes")) << seen.outcomes.at("processes").error().message;
  EXPECT_EQ(Running(seen, "eddy"), 1);
  EXPECT_EQ(Figure(seen, "mailhub_process_threads"), -1);
  EXPECT_EQ(Figure(seen, "mailhub_process_cpu_seconds_total"), 0);
  EXPECT_NEAR(Figure(seen, "mailhub_process_start_time_seconds"),
              Now() - (3 * 86400 + 4 * 3600 + 5 * 60 + 6), 5);
}

TEST_P(PosixTest, SaysNothingOfARowThatHasNotAllItsColumns) {
  const std::string words = "pid time etime rss nlwp args lstart";
  for (const char* row :
       {"88 0:01 05:06 2048 /opt/isode/absent -D", "88 0:01 2048 3 /opt/isode/absent",
        "88 /opt/isode/absent", "88 0:01 05:06 /opt/isode/absent"}) {
    Ps(words, "12:34.56", "05:06", std::string("[ -n \"$only\" ] || echo '") + row + "'\n");
    helper_.reset();
    const Seen seen = LookThere();
    EXPECT_EQ(Running(seen, "absent"), -1) << row;
    EXPECT_EQ(Running(seen, "eddy"), 1) << row;
    EXPECT_THAT(seen.outcomes.at("processes").error().message, testing::HasSubstr("process 88"));
  }
}

// Without arguments it may be any.
TEST_P(PosixTest, SaysNothingOfWhatARowWithoutArgumentsMayBe) {
  for (const char* row : {"88 0:01 05:06 2048 3 ", "88 0:01 01-05:06", "88 "}) {
    Ps("pid time etime rss nlwp args lstart", "12:34.56", "05:06",
       std::string("[ -n \"$only\" ] || echo '") + row + "'\n");
    helper_.reset();
    const Seen seen = LookThere();
    EXPECT_EQ(Running(seen, "absent"), -1) << row;
    EXPECT_EQ(Running(seen, "eddy"), 1) << row;
  }
}

TEST_P(PosixTest, ReadsThePsOfFreebsd) {
  Ps("pid time etime rss nlwp args lstart", "12:34.56", "05:06");
  const Seen seen = LookThere();
  ASSERT_TRUE(seen.outcomes.at("processes")) << seen.outcomes.at("processes").error().message;
  EXPECT_EQ(Running(seen, "eddy"), 1);
  EXPECT_EQ(Figure(seen, "mailhub_process_threads"), 3);
}

TEST_P(PosixTest, LeavesOutATimeThatItDoesNotUnderstand) {
  Ps("pid time etime rss args lstart", "-", "soon");
  const Seen seen = LookThere();
  ASSERT_TRUE(seen.outcomes.at("processes"));
  EXPECT_EQ(Running(seen, "eddy"), 1);
  EXPECT_EQ(Figure(seen, "mailhub_process_cpu_seconds_total"), -1);
  EXPECT_EQ(Figure(seen, "mailhub_process_start_time_seconds"), -1);
  EXPECT_FALSE(seen.outcomes.at("host")) << "uptime is the age of process 1";
}

TEST_P(PosixTest, SaysNothingWhenPsComplainsOrIsNotThereOrShowsNotAll) {
  const std::string keywords = "pid time etime rss args lstart";
  const auto nothing = [&](const std::string& what) {
    helper_.reset();
    const Seen seen = LookThere();
    EXPECT_FALSE(seen.outcomes.at("processes")) << what;
    EXPECT_EQ(Running(seen, "eddy"), -1) << what;
  };
  Ps(keywords, "0:01", "05:06", "exit 3");
  nothing("it fails");
  const std::string half = "[ -n \"$all\" ] && printf '500 00:00 01:02 700 /opt/oth' && ";
  Ps(keywords, "0:01", "05:06", half + "exit 1");
  nothing("it fails in the middle of a row");
  Ps(keywords, "0:01", "05:06", half + "kill -9 $$");
  nothing("it is killed in the middle of a row");
  Ps(keywords, "0:01", "05:06", "echo 'ps: cannot get process table' >&2");
  nothing("it complains");
  Standin("ps", "exit 127");
  nothing("there is none");
  Standin("ps", "exit 0");
  nothing("it says nothing");
  Ps(keywords, "0:01", "05:06");
  Change("[ \"$pid\" = 1 ]", "[ \"$pid\" = 2 ]");
  nothing("process 1 is hidden");
}

TEST_P(PosixTest, ReportsAPossibleMatchAsUnknown) {
  Ps("pid time etime rss args lstart", "0:01", "05:06",
     "row 78 1 1 'absent -d'; row 79 1 1 \"/opt/isode/cut $(printf '%065d' 0)\"");
  host_.processes["cut"] = {"/opt/isode/cut", "--beyond", ""};
  const Seen seen = LookThere();
  EXPECT_FALSE(seen.outcomes.at("processes"));
  EXPECT_EQ(Running(seen, "eddy"), 1);
  EXPECT_EQ(Running(seen, "absent"), -1) << "started without its path";
  EXPECT_EQ(Running(seen, "cut"), -1) << "its arguments are cut off at 80 characters";
}

TEST_P(PosixTest, SeesThatArgumentsAreCutOffBehindABlank) {
  const std::string exe = "/opt/h10a/sbin/isode.eddy";
  std::string row = exe + " -c /etc/isode/configuration/file.for.root.server";
  row += std::string(79 - row.size(), 'x') + " ";
  Ps("pid time etime rss args lstart", "0:01", "05:06", "row 78 1 1 '" + row + "'");
  host_.processes["root"] = {exe, "-D /dirtables/root", ""};
  host_.processes["other"] = {exe, "", "-D /dirtables/root"};
  host_.processes["any"] = {exe, "", ""};
  const Seen seen = LookThere();
  EXPECT_EQ(Running(seen, "root"), -1);
  EXPECT_EQ(Running(seen, "other"), -1);
  EXPECT_EQ(Running(seen, "any"), 1);
}

TEST_P(PosixTest, SaysNothingOfAPathThatIsLongerThanARow) {
  const std::string exe = "/opt/" + std::string(90, 'x') + "/eddy";
  Ps("pid time etime rss args lstart", "0:01", "05:06", "row 78 1 1 '" + exe.substr(0, 80) + "'");
  host_.processes["long"] = {exe, "", ""};
  host_.processes["longer"] = {exe + "-2.0", "", ""};
  host_.processes["another"] = {"/opt/isode/" + std::string(90, 'x'), "", ""};
  Seen seen = LookThere();
  EXPECT_EQ(Running(seen, "long"), -1);
  EXPECT_EQ(Running(seen, "longer"), -1);
  EXPECT_EQ(Running(seen, "another"), 0);
  EXPECT_EQ(Running(seen, "eddy"), 1);
}

TEST_P(PosixTest, ReportsARowWithAnotherOrNoPathAsUnknown) {
  const char* rows[] = {"./absent -d",         "sbin/absent", "/opt//isode/absent",
                        "/opt/./isode/absent", "[absent]",    "(absent)",
                        "../absent",           "-absent",     "absent: idle"};
  for (const std::string row : rows) {
    helper_.reset();
    Ps("pid time etime rss args lstart", "0:01", "05:06", "row 78 1 1 '" + row + "'");
    EXPECT_EQ(Running(LookThere(), "absent"), -1) << row;
  }
  for (const std::string row : {"/opt/other/absent", "vi absent", "[absent2]", "(x) absent"}) {
    helper_.reset();
    Ps("pid time etime rss args lstart", "0:01", "05:06", "row 78 1 1 '" + row + "'");
    EXPECT_EQ(Running(LookThere(), "absent"), 0) << row;
  }
}

// Blanks in a path show nothing of where it ends.
TEST_P(PosixTest, SaysNothingOfOneWithBlanksThatShowsAnotherPathOrNone) {
  host_.processes = {{"blank", {"/opt/My App/run it", "", ""}},
                     {"long", {"/opt/x/a name that is long", "", ""}}};
  const auto expect = [&](const std::string& row, double blank, double other) {
    helper_.reset();
    Ps("pid time etime rss args lstart", "0:01", "05:06", "row 78 1 1 '" + row + "'");
    const Seen seen = LookThere();
    EXPECT_EQ(Running(seen, "blank"), blank) << row;
    EXPECT_EQ(Running(seen, "long"), other) << row;
  };
  expect("/opt/My App/run it -D x", 1, 0);
  for (const std::string row :
       {"run it", "run it -D x", "./run it", "-run it", "[run it]", "(run it)", "run it: idle",
        "My App/run it -D x", "../My App/run it", "/opt//My App/run it", "opt/My App/run it"}) {
    expect(row, -1, 0);
  }
  for (const std::string row : {"[a name that is ]", "(a name that is lo)",
                                "a name that is long -D", "./a name that is long"}) {
    expect(row, 0, -1);
  }
  for (const std::string row :
       {"/opt/other/run it", "/opt/Your App/run it", "vi /opt/My App/run it", "run", "vi run it",
        "./run", "a name that is short", "/opt/y/a name that is long"}) {
    expect(row, 0, 0);
  }
}

TEST_P(PosixTest, BelievesNoUptimeOfAPsThatFails) {
  Ps("pid time etime rss args lstart", "0:01", "1-02:03", "[ -z \"$only\" ] || exit 1");
  EXPECT_EQ(Value(LookThere().families, "mailhub_host_uptime_seconds"), std::nullopt);
}

TEST_P(PosixTest, NamesABootAsTheRunnerDoes) {
  Ps("pid time etime rss args lstart", "0:01", "05:06");
  EXPECT_EQ(LookThere().reply.boot_id, "boot-systembootNov251011");
  Standin("who", "exit 0");
  helper_.reset();
  EXPECT_EQ(LookThere().reply.boot_id, "boot-WedNov251011122026");
}

// macOS and FreeBSD: a stat with other options, and a find that cannot print.
TEST_P(PosixTest, ShowsFilesAndDirectoriesByTheStatOfTheBsds) {
  host_.processes.clear();
  host_.files["f"] = File("other/f");
  host_.directories["d"] = File("other");
  std::ofstream(File("other/f")) << "12345";
  Standin("find",
          "case \" $* \" in *' -printf '*) echo 'find: -printf: unknown primary' >&2; exit 1 ;; "
          "esac\nPATH=" +
              File("standins") + ":/usr/bin:/bin\n/usr/bin/find \"$@\"");
  Standin("stat",
          "[ \"$1\" = -L ] && { follow=-L; shift; }\n"
          "[ \"$1 $2\" = '-f %z %m' ] || { echo 'stat: illegal option -- c' >&2; exit 1; }\n"
          "shift 2\nexec /usr/bin/stat $follow -c '%s %Y' \"$@\"");
  Seen seen = Look(host_);
  EXPECT_EQ(Value(seen.families, "mailhub_file_exists", {{"file", "f"}}), 1);
  EXPECT_EQ(Value(seen.families, "mailhub_directory_files", {{"directory", "d"}}), 1);
  // AIX has none.
  Standin("stat", "exit 127");
  helper_.reset();
  seen = Look(host_);
  ASSERT_FALSE(seen.outcomes.at("files"));
  EXPECT_THAT(seen.outcomes.at("files").error().message,
              testing::HasSubstr("no_stat_tells_size_and_time"));
}

MAILHUB_FOR_EVERY_ENGINE(PosixTest);

}  // namespace
}  // namespace mailhub::exporter
