// See made_up.h. A runbook is a sequence of a few scenes; a scene restarts what it stops.
#include "tests/sim/made_up.h"

#include <iterator>
#include <random>
#include <set>

namespace mailhub::sim {

const char* const kMadeUpSite = R"(
ssh: {user: root, known_hosts: known_hosts, exporter_key: exporter, actuator_key: actuator}
groups:
  boxes: [box1, box2, box3]
hosts:
  box1: {address: 192.0.2.1, services: {alpha: {}, beta: {}, gamma: {}}}
  box2: {address: 192.0.2.2, services: {alpha: {}, beta: {}, gamma: {}}}
  box3: {address: 192.0.2.3, services: {alpha: {}, beta: {}, gamma: {}}}
)";

namespace {

class Writer {
 public:
  // New kinds of things are drawn apart, so that they change nothing else of a seed.
  explicit Writer(uint64_t seed) : random_(seed), apart_(seed ^ 0x4e6577) {}

  MadeUpRunbook Callee() {
    Begin();
    Outage("box3", "gamma");
    return Finish("made-part", false);
  }

  MadeUpRunbook Runbook(const std::string& name) {
    Begin();
    has_host_ = Chance(40);
    const int scenes = Between(1, 3);
    for (int i = 0; i < scenes; ++i) Scene();
    return Finish(name, has_host_);
  }

 private:
  bool Chance(int percent) { return static_cast<int>(random_() % 100) < percent; }
  bool Apart(int percent) { return static_cast<int>(apart_() % 100) < percent; }
  int Between(int least, int greatest) {
    return least + static_cast<int>(random_() % static_cast<uint64_t>(greatest - least + 1));
  }
  template <size_t size>
  std::string Pick(const char* const (&words)[size]) {
    return words[random_() % size];
  }

  void Begin() {
    steps_.clear();
    always_.clear();
    by_command_.clear();
    locks_.clear();
    number_ = 0;
    calls_ = false;
  }
  MadeUpRunbook Finish(const std::string& name, bool has_host) {
    std::string yaml = "runbook: " + name + "\nsummary: Made up\n";
    if (has_host) {
      yaml += "parameters: {box: {host_in: boxes}}\ntarget: \"{{box}}\"\n";
    }
    if (!locks_.empty()) {
      yaml += "lock: [";
      for (const std::string& lock : locks_) yaml += (lock == *locks_.begin() ? "" : ", ") + lock;
      yaml += "]\n";
    }
    const bool expected = Chance(50);
    const bool windows = name != "made-part" && Apart(30);
    const bool blackouts = Apart(30);
    if (expected || windows || blackouts) yaml += "expected: 2m\n";
    if (windows) yaml += Apart(50) ? "windows: [open]\n" : "windows: [open, also]\n";
    if (blackouts) yaml += "blackouts: [closed]\n";
    yaml += "steps:\n" + steps_;
    if (!always_.empty()) yaml += "always:\n" + always_;
    return {name, yaml, has_host};
  }

  void Scene() {
    switch (Between(0, 9)) {
      case 0:
      case 1:
      case 2:
        return Outage(AnyHost(), AnyService());
      case 3:
      case 4:
        return TwoOutages();
      case 5:
        return EachHost();
      case 6:
        return Ask("Is it a good time for " + std::to_string(++number_) + "?");
      case 7:
        return Wait(AnyHost(), AnyService(), true);
      case 8:
        if (calls_) return Work("");
        calls_ = true;
        locks_.insert("gamma");
        steps_ += "- call: {runbook: made-part}\n";
        return;
      default:
        return Work("");
    }
  }

  void Ask(const std::string& question) {
    if (Apart(40)) {
      steps_ += "- confirm: " + question + "\n";
      return;
    }
    steps_ += "- confirm:\n    question: " + question + "\n";
    if (Apart(60)) {
      steps_ += std::string("    timeout: ") + (Apart(50) ? "90s" : "5m") + "\n";
      if (Apart(70))
        steps_ += std::string("    on_timeout: ") + (Apart(50) ? "hold" : "abort") + "\n";
    }
    if (Apart(60)) {
      steps_ += std::string("    by: ") +
                (Apart(30)   ? "[person1]"
                 : Apart(50) ? "[approver]"
                             : "[person2, person3]") +
                "\n";
    }
    if (Apart(30)) steps_ += "    not_the_starter: true\n";
  }

  std::string AnyHost() {
    if (has_host_ && Chance(60)) return "{{box}}";
    static constexpr const char* kHosts[] = {"box1", "box2", "box3"};
    return Pick(kHosts);
  }
  std::string AnyService() {
    static constexpr const char* kServices[] = {"alpha", "beta"};
    return Pick(kServices);
  }
  std::string After() {
    static constexpr const char* kAfter[] = {"5s", "10s", "20s", "20s", "1m", "5m", "15m"};
    return Pick(kAfter);
  }
  std::string OnFailure(const std::string& indent) {
    static constexpr const char* kWays[] = {"", "", "hold", "continue", "abort"};
    const std::string way = Pick(kWays);
    return way.empty() ? "" : indent + "  on_failure: " + way + "\n";
  }
  std::string Retry(const std::string& indent) {
    return Chance(30) ? indent + "  retry: {attempts: 2, delay: 3s}\n" : "";
  }
  // Short ones run out while a request is still on its way.
  std::string Timeout(const std::string& indent) {
    return Chance(25) ? indent + "  timeout: 5s\n" : "";
  }
  std::string Gate(const std::string& host, const std::string& service, bool up) {
    return "mailhub_service_state{instance=\"" + host + "\",name=\"" + service +
           "\",state=\"active\"} == " + (up ? "1" : "0");
  }
  std::string Window() {
    static constexpr const char* kWindows[] = {
        "window: 2s, timeout: 30s", "window: 5s, for: 3s, timeout: 1m", "window: 5s, timeout: 10m",
        "timeout: 30s", "timeout: 10m"};
    return Pick(kWindows);
  }
  std::string Verify(const std::string& indent, const std::string& host, const std::string& service,
                     bool up) {
    if (Chance(40)) return "";
    return indent + "  verify: {expr: '" + Gate(host, service, up) + "', " + Window() + "}\n";
  }

  // Names are unique, because the end of a lease or a debt refers to them.
  std::string Name(const std::string& what) { return what + ' ' + std::to_string(++number_); }

  // A step that stops a service, with the way in which it is restarted otherwise.
  std::string Stop(const std::string& indent, const std::string& host, const std::string& service,
                   const std::string& start_name) {
    locks_.insert(service);
    std::string name = Name("Stop " + service + " on " + host);
    const bool as_service = Chance(60);
    if (!as_service) by_command_.insert(name);
    steps_ += indent + "- name: " + name + "\n";
    steps_ +=
        as_service
            ? indent + "  service: {on: \"" + host + "\", name: " + service + ", state: stopped}\n"
            : indent + "  run: {on: \"" + host + "\", command: sim stop " + service + "}\n";
    if (!as_service && Chance(50)) steps_ += indent + "  idempotent: true\n";
    const std::string until = Chance(85) ? ", until: \"" + start_name + "\"" : "";
    const std::string restore = as_service ? "" : "restore: sim start " + service + ", ";
    if (Chance(90)) {
      steps_ += indent + "  dead_man: {" + restore + "after: " + After() + until + "}\n";
    }
    steps_ += Timeout(indent) + Retry(indent) + Verify(indent, host, service, false);
    steps_ += OnFailure(indent);
    return name;
  }
  void Start(const std::string& indent, const std::string& host, const std::string& service,
             const std::string& name) {
    steps_ += indent + "- name: " + name + "\n" + indent + "  service: {on: \"" + host +
              "\", name: " + service + ", state: started}\n";
    steps_ += Timeout(indent) + Retry(indent) + Verify(indent, host, service, true);
    steps_ += OnFailure(indent);
  }
  void Always(const std::string& host, const std::string& service, const std::string& since,
              const std::string& until) {
    always_ += "- since: " + since + "\n  until: " + until + "\n";
    if (Chance(15)) {  // restarts nothing
      always_ += "  name: " + Name("Note the end") + "\n  run: {on: \"" + host +
                 "\", command: sim mark mark0}\n";
      return;
    }
    always_ += "  name: " + Name("Start " + service + " in any case") + "\n";
    always_ += by_command_.contains(since)
                   ? "  run: {on: \"" + host + "\", command: sim start " + service + "}\n"
                   : "  service: {on: \"" + host + "\", name: " + service + ", state: started}\n";
  }

  void Outage(const std::string& host, const std::string& service) {
    const std::string start = Name("Start " + service + " on " + host);
    const std::string stop = Stop("", host, service, start);
    Middle(host, service);
    Start("", host, service, start);
    if (Chance(60)) Always(host, service, stop, start);
  }
  // Two leases at once, which run out in either order.
  void TwoOutages() {
    const std::string first_host = AnyHost();
    const std::string second_host = AnyHost();
    const std::string first_start = Name("Start alpha on " + first_host);
    const std::string second_start = Name("Start beta on " + second_host);
    const std::string first = Stop("", first_host, "alpha", first_start);
    const std::string second = Stop("", second_host, "beta", second_start);
    Middle(second_host, "beta");
    Start("", first_host, "alpha", first_start);
    if (Chance(50)) Work("");
    Start("", second_host, "beta", second_start);
    if (Chance(60)) Always(first_host, "alpha", first, first_start);
    if (Chance(60)) Always(second_host, "beta", second, second_start);
  }
  void EachHost() {
    steps_ += "- name: " + Name("Each box") + "\n  for_each: {host_in: boxes" +
              (has_host_ && Chance(50) ? ", first: \"{{box}}\"" : "") +
              (Chance(30) ? ", except: box2" : "") + "}\n  steps:\n";
    const std::string service = AnyService();
    if (Chance(30)) {
      const std::string start = Name("Start " + service + " on {{host}}");
      Stop("  ", "{{host}}", service, start);
      Start("  ", "{{host}}", service, start);
    } else if (Chance(50)) {
      locks_.insert(service);
      const std::string name = Name("Restart " + service + " on {{host}}");
      steps_ += "  - name: " + name + "\n    service: {on: \"{{host}}\", name: " + service +
                ", state: restarted}\n";
      if (Chance(40)) {  // it restarts by itself what it stops
        steps_ += "    dead_man: {restore: sim start " + service + ", after: " + After() +
                  ", until: \"" + name + "\"}\n";
      }
      steps_ += Timeout("  ");
      steps_ += Retry("  ") + Verify("  ", "{{host}}", service, true) + OnFailure("  ");
    } else {
      steps_ += "  - name: " + Name("Note it") +
                "\n    run: {on: \"{{host}}\", command: sim mark noted}\n";
      steps_ += Retry("  ") + OnFailure("  ");
    }
  }
  void Middle(const std::string& host, const std::string& service) {
    const int steps = Between(0, 2);
    for (int i = 0; i < steps; ++i) {
      if (Chance(30)) {
        Wait(host, service, false);
      } else if (Chance(20)) {
        Ask("Shall " + service + " come back " + std::to_string(++number_) + "?");
      } else {
        Work(host);
      }
    }
  }
  void Wait(const std::string& host, const std::string& service, bool up) {
    steps_ += "- name: " + Name("Look at " + service) + "\n  " +
              (Chance(50) ? "wait_for" : "check") + ": '" + Gate(host, service, up) + "'\n";
    static constexpr const char* kWindows[] = {"  window: 3s\n  timeout: 1m\n",
                                               "  window: 5s\n  for: 5s\n  timeout: 10m\n",
                                               "  timeout: 1m\n"};
    steps_ += Pick(kWindows);
    steps_ += OnFailure("");
  }
  void Work(const std::string& near) {
    const std::string host = near.empty() || Chance(40) ? AnyHost() : near;
    const std::string mark = "mark" + std::to_string(++number_);
    steps_ += "- name: " + Name("Work") + "\n";
    if (Chance(30)) {
      steps_ += "  job: {on: \"" + host + "\", command: sim job " + std::to_string(Between(2, 60)) +
                " " + mark + "}\n  timeout: 3m\n";
    } else {
      steps_ += "  run: {on: \"" + host + "\", command: sim mark " + mark + "}\n" + Timeout("");
    }
    if (Chance(40)) steps_ += "  idempotent: true\n";
    if (Chance(20)) steps_ += "  success: [0, 1]\n";
    if (Chance(40)) {
      steps_ += "  verify: {expr: 'mailhub_check_value{instance=\"" + host + "\",check=\"" + mark +
                "\"} >= 1', " + Window() + "}\n";
    }
    steps_ += Retry("") + OnFailure("");
  }

  std::mt19937_64 random_;
  std::mt19937_64 apart_;
  std::string steps_;
  std::string always_;
  // Stops without `service`, with their own restore.
  std::set<std::string> by_command_;
  std::set<std::string> locks_;
  int number_ = 0;
  bool has_host_ = false;
  bool calls_ = false;
};

}  // namespace

std::vector<MadeUpRunbook> MakeUpRunbooks(uint64_t seed) {
  Writer writer(seed ^ 0x52756e626f6f6b);
  std::vector<MadeUpRunbook> books = {writer.Callee()};
  static constexpr const char* kNames[] = {"made-a", "made-b", "made-c"};
  const size_t count = 1 + seed % std::size(kNames);
  for (size_t i = 0; i < count; ++i) books.push_back(writer.Runbook(kNames[i]));
  return books;
}

}  // namespace mailhub::sim
