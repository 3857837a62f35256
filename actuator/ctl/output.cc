// See output.h.
#include "actuator/ctl/output.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "actuator/ctl/model.h"
#include "actuator/ctl/text.h"

namespace mailhub::ctl {
namespace {

constexpr size_t kShortId = 12;

// 0: not a terminal.
size_t TerminalColumns() {
  winsize size{};
  if (isatty(STDOUT_FILENO) == 0) return 0;
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

}  // namespace

void Out(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void OutLines(const std::vector<std::string>& lines) {
  const size_t columns = TerminalColumns();
  for (const std::string& line : lines) {
    const size_t indent = std::min(line.find_first_not_of(' '), line.size()) + 4;
    if (columns == 0) {
      Out(line + "\n");
    } else {
      for (const std::string& part : Wrapped(line, columns, indent)) Out(part + "\n");
    }
  }
}

int OutJson(const std::string& data) {
  const auto text = PrettyJson(data);
  if (!text) return Complain(text.error());
  Out(*text);
  return 0;
}

void OutTable(const std::vector<std::string>& header,
              const std::vector<std::vector<std::string>>& rows) {
  Out(Table(header, rows, TerminalColumns()));
}

std::string ShortId(const std::string& id) {
  return id.substr(0, kShortId);
}

int Complain(const Error& error) {
  std::fprintf(stderr, "mailhubctl: %s\n", Printable(error.message).c_str());
  return 1;
}

}  // namespace mailhub::ctl
