// See yaml.h. The parser's events are written into one flat table of elements; handles are indexes
// into it. Bounds are checked while events arrive, so hostile text is refused before it is stored.
#include "lib/config/yaml.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/node/node.h>  // parser.h only declares it; lint takes it for our Node then
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <map>
#include <sstream>

#include "lib/base/duration.h"
#include "lib/base/printable.h"
#include "lib/config/files_read.h"

namespace mailhub::config {
namespace {

constexpr size_t kMostBytes = 1 << 20;
constexpr std::chrono::seconds kPatience{5};  // with a pipe
constexpr int kMostLevels = 64;
constexpr uint64_t kMostNodes = 50'000;
constexpr size_t kLongestField = 200;
constexpr size_t kLongestMessage = 500;

enum class Kind { kNothing, kScalar, kMap, kList };

struct Element {
  Kind kind = Kind::kNothing;
  int line = 1;
  int column = 1;
  std::string text;              // kScalar
  std::vector<size_t> keys;      // kMap: elements, one for each child
  std::vector<size_t> children;  // kMap, kList
  // As if every alias were written out: sharing must not hide how much there is to walk through.
  uint64_t nodes = 1;
  int height = 1;
};

// Leaves the parser's callbacks, which cannot return anything. Never leaves this file.
struct Mistake {
  int line;
  int column;
  std::string message;
};

std::string Place(const std::string& name, int line, int column) {
  return name + ":" + std::to_string(line) + ":" + std::to_string(column);
}

// A place that is in the text: what comes before its beginning is there, what comes after its end
// is at the end of its last line.
std::pair<int, int> InsideOf(std::string_view text, int line, int column) {
  const auto lines = static_cast<int>(std::count(text.begin(), text.end(), '\n')) +
                     (text.empty() || text.back() == '\n' ? 0 : 1);
  if (line > lines && lines > 0) {
    if (text.back() == '\n') text.remove_suffix(1);
    const size_t last = text.rfind('\n');
    return {lines, static_cast<int>(text.size() - (last == text.npos ? 0 : last + 1)) + 1};
  }
  return {std::max(line, 1), std::max(column, 1)};
}

// Owns the table while it is filled. Throws Mistake.
class TableBuilder final : public YAML::EventHandler {
 public:
  std::vector<Element> TakeElements() { return std::move(elements_); }
  size_t root() const { return root_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) Refuse(mark, "a second document starts here; expected one");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Attach(Add(mark, Kind::kNothing, anchor));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto target = anchors_.find(anchor);
    if (target == anchors_.end() || std::ranges::find(open_, target->second) != open_.end()) {
      Refuse(mark, "this alias contains itself");
    }
    Attach(target->second, mark.line + 1, mark.column + 1);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    RefuseTag(mark, tag);
    const size_t index = Add(mark, Kind::kScalar, anchor);
    elements_[index].text = value;
    Attach(index);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    RefuseTag(mark, tag);
    Open(mark, Kind::kList, anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    RefuseTag(mark, tag);
    Open(mark, Kind::kMap, anchor);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapEnd() override { Close(); }

 private:
  [[noreturn]] static void Refuse(const YAML::Mark& mark, std::string message) {
    throw Mistake{mark.line + 1, mark.column + 1, std::move(message)};
  }
  static void RefuseTag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!")
      Refuse(mark, "tags are not read: " + Excerpt(tag));
  }

  size_t Add(const YAML::Mark& mark, Kind kind, YAML::anchor_t anchor) {
    if (elements_.size() >= kMostNodes) Refuse(mark, TooMany());
    Element& element = elements_.emplace_back();
    element.kind = kind;
    element.line = mark.line + 1;
    element.column = mark.column + 1;
    if (anchor != 0) anchors_[anchor] = elements_.size() - 1;
    return elements_.size() - 1;
  }

  void Open(const YAML::Mark& mark, Kind kind, YAML::anchor_t anchor) {
    if (open_.size() >= kMostLevels) Refuse(mark, TooDeep());
    open_.push_back(Add(mark, kind, anchor));
    keys_.push_back(kNoKey);
  }

  void Close() {
    const size_t done = open_.back();
    seen_.erase(done);
    open_.pop_back();
    keys_.pop_back();
    Attach(done);
  }

  void Attach(size_t child) { Attach(child, elements_[child].line, elements_[child].column); }

  // Puts a finished element under the open one: in a map, keys and values take turns.
  void Attach(size_t child, int line, int column) {
    if (open_.empty()) {
      root_ = child;
      return;
    }
    Element& parent = elements_[open_.back()];
    if (parent.kind == Kind::kMap && keys_.back() == kNoKey) {
      CheckKey(child, line, column);
      keys_.back() = child;
      return;
    }
    if (parent.kind == Kind::kMap) {
      parent.keys.push_back(keys_.back());
      keys_.back() = kNoKey;
    }
    parent.children.push_back(child);
    parent.nodes += elements_[child].nodes + (parent.kind == Kind::kMap ? 1 : 0);
    parent.height = std::max(parent.height, elements_[child].height + 1);
    if (parent.nodes > kMostNodes) throw Mistake{line, column, TooMany()};
    if (parent.height + static_cast<int>(open_.size()) - 1 > kMostLevels) {
      throw Mistake{line, column, TooDeep()};
    }
  }

  void CheckKey(size_t key, int line, int column) {
    const Element& element = elements_[key];
    // yaml-cpp makes a lone byte of some escapes, "\\_" for one.
    if (element.kind != Kind::kScalar || element.text.empty() ||
        element.text.find('\0') != std::string::npos || !IsUtf8(element.text)) {
      throw Mistake{line, column,
                    "expected a key: UTF-8 text that is not empty and has no NUL; a value that "
                    "begins with {{ needs quotes"};
    }
    if (const auto [other, fresh] = seen_[open_.back()].emplace(element.text, key); !fresh) {
      throw Mistake{line, column,
                    "duplicate key \"" + Excerpt(element.text) + "\", first in line " +
                        std::to_string(elements_[other->second].line)};
    }
  }

  static std::string TooMany() {
    return "more than " + std::to_string(kMostNodes) + " nodes, aliases written out";
  }
  static std::string TooDeep() {
    return "nested deeper than " + std::to_string(kMostLevels) + " levels";
  }

  static constexpr size_t kNoKey = SIZE_MAX;
  std::vector<Element> elements_;
  size_t root_ = 0;
  int documents_ = 0;
  std::vector<size_t> open_;  // lists and maps being read, outermost first
  std::vector<size_t> keys_;  // for each of them: the key that waits for its value
  std::map<YAML::anchor_t, size_t> anchors_;
  std::map<size_t, std::map<std::string, size_t>> seen_;  // open map -> its keys so far
};

// The parser reads some bytes as its own marks (0x04 as the end of the file), so they never reach
// it. Nor does what is no UTF-8: the journal would keep something else than what was written.
Status RefuseBytesThatAreNoText(std::string_view text, const std::string& name) {
  int line = 1;
  int column = 1;
  while (!text.empty()) {
    const char c = text.front();
    const auto byte = static_cast<unsigned char>(c);
    const bool control = (byte < 0x20 && c != '\n' && c != '\t' && c != '\r') || byte == 0x7f;
    const size_t bytes = FirstCharacterBytes(text);
    if (control || bytes == 0) {
      char hex[8];
      std::snprintf(hex, sizeof hex, "0x%02x", byte);
      return Fail(ErrorKind::kInvalid,
                  Place(name, line, column) + ": byte " + hex + " is not text; expected UTF-8");
    }
    column = c == '\n' ? 1 : column + 1;
    line += c == '\n' ? 1 : 0;
    text.remove_prefix(bytes);
  }
  return {};
}

}  // namespace

struct Node::Document {
  std::string name;
  std::vector<Element> elements;
};

struct Node::Impl {
  std::shared_ptr<const Document> document;
  size_t index = 0;   // the parent's when not present
  std::string field;  // "hosts.x500.port"; empty at the root
  bool present = true;

  const Element& element() const { return document->elements[index]; }
  Kind kind() const { return present ? element().kind : Kind::kNothing; }
  std::string Under(std::string_view key) const {
    return field.empty() ? std::string(key) : field + "." + std::string(key);
  }
};

bool Node::Present() const {
  return impl_->present;
}
bool Node::IsMap() const {
  return impl_->kind() == Kind::kMap;
}
bool Node::IsList() const {
  return impl_->kind() == Kind::kList;
}
bool Node::IsScalar() const {
  return impl_->kind() == Kind::kScalar;
}

const std::string& Node::Scalar() const {
  static const std::string kNone;
  return IsScalar() ? impl_->element().text : kNone;
}

std::string Node::Where() const {
  return Place(impl_->document->name, impl_->element().line, impl_->element().column);
}

int Node::Line() const {
  return impl_->element().line;
}

const std::string& Node::File() const {
  return impl_->document->name;
}

const std::string& Node::Field() const {
  return impl_->field;
}

tl::unexpected<Error> Node::Invalid(std::string_view message) const {
  std::string text = Where() + ": ";
  if (!impl_->field.empty()) text += Excerpt(impl_->field, kLongestField) + ": ";
  return Fail(ErrorKind::kInvalid, text + Excerpt(message, kLongestMessage));
}

tl::unexpected<Error> Node::Expected(std::string_view what) const {
  std::string found = "nothing";
  if (!impl_->present) return Invalid("missing; expected " + std::string(what));
  if (IsMap()) found = "a map";
  if (IsList()) found = "a list";
  if (IsScalar()) found = "\"" + Excerpt(impl_->element().text) + "\"";
  return Invalid("expected " + std::string(what) + ", found " + found);
}

Node Node::operator[](std::string_view key) const {
  auto child = std::make_shared<Impl>(*impl_);
  child->field = impl_->Under(key);
  child->present = false;
  if (!IsMap()) return Node(std::move(child));
  const Element& map = impl_->element();
  for (size_t i = 0; i < map.keys.size(); ++i) {
    if (impl_->document->elements[map.keys[i]].text != key) continue;
    child->index = map.children[i];
    child->present = true;
    break;
  }
  return Node(std::move(child));
}

std::vector<Node::Entry> Node::Entries() const {
  std::vector<Entry> entries;
  if (!IsMap()) return entries;
  const Element& map = impl_->element();
  for (size_t i = 0; i < map.keys.size(); ++i) {
    const std::string& key = impl_->document->elements[map.keys[i]].text;
    auto key_impl = std::make_shared<Impl>(*impl_);
    key_impl->field = impl_->Under(key);
    key_impl->index = map.keys[i];
    auto value_impl = std::make_shared<Impl>(*key_impl);
    value_impl->index = map.children[i];
    entries.push_back(Entry{key, Node(std::move(key_impl)), Node(std::move(value_impl))});
  }
  return entries;
}

std::vector<Node> Node::Items() const {
  std::vector<Node> items;
  if (!IsList()) return items;
  const Element& list = impl_->element();
  for (size_t i = 0; i < list.children.size(); ++i) {
    auto item = std::make_shared<Impl>(*impl_);
    item->field = impl_->field + "[" + std::to_string(i) + "]";
    item->index = list.children[i];
    items.push_back(Node(std::move(item)));
  }
  return items;
}

Status Node::OnlyKeys(std::initializer_list<std::string_view> known) const {
  if (!IsMap()) return Expected("a map");
  for (const Entry& entry : Entries()) {
    if (std::ranges::find(known, entry.key) != known.end()) continue;
    std::string choices;
    for (const std::string_view name : known) {
      choices += (choices.empty() ? "" : ", ") + std::string(name);
    }
    return entry.key_node.Invalid("unknown key; expected one of: " + choices);
  }
  return {};
}

Result<Node> ParseYaml(std::string_view text, const std::string& name) {
  if (text.size() > kMostBytes) {
    return Fail(ErrorKind::kInvalid, name + ": larger than 1 MiB");
  }
  if (const Status clean = RefuseBytesThatAreNoText(text, name); !clean) return Fail(clean.error());
  TableBuilder builder;
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) {
      return Fail(ErrorKind::kInvalid, Place(name, 1, 1) + ": nothing in here");
    }
    parser.HandleNextDocument(builder);
  } catch (const Mistake& mistake) {
    return Fail(ErrorKind::kInvalid,
                Place(name, mistake.line, mistake.column) + ": " + mistake.message);
  } catch (const YAML::Exception& error) {
    // Where yaml-cpp knows no place it says -1.
    const auto [line, column] = InsideOf(text, error.mark.line + 1, error.mark.column + 1);
    return Fail(ErrorKind::kInvalid,
                Place(name, line, column) + ": " + Excerpt(error.msg, kLongestMessage));
  }
  auto document = std::make_shared<Node::Document>();
  document->name = name;
  document->elements = builder.TakeElements();
  auto root = std::make_shared<Node::Impl>();
  root->document = std::move(document);
  root->index = builder.root();
  return Node(std::move(root));
}

Result<Node> LoadYaml(const std::string& path) {
  auto text = ReadFile(path, kMostBytes);
  if (!text) return Fail(text.error());
  return ParseYaml(*text, path);
}

namespace {

Result<std::string> ReadNow(const std::string& path, size_t limit) {
  const auto failed = [&] {
    const ErrorKind kind = errno == ENOENT || errno == ENOTDIR ? ErrorKind::kNotFound
                           : errno == EACCES || errno == EPERM ? ErrorKind::kRefused
                                                               : ErrorKind::kInvalid;
    return Fail(kind, path + ": " + std::strerror(errno));
  };
  // Any file may be a pipe, whose writer may never come or end.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return failed();
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  std::string text;
  char buffer[16 * 1024];
  while (true) {
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(give_up - std::chrono::steady_clock::now());
      if (left.count() <= 0) {
        ::close(fd);
        return Fail(ErrorKind::kInvalid, path + ": is a pipe that does not end");
      }
      pollfd more{fd, POLLIN, 0};
      ::poll(&more, 1, static_cast<int>(left.count()));
      continue;
    }
    if (got < 0) {
      auto error = failed();
      ::close(fd);
      return error;
    }
    if (got == 0) break;
    text.append(buffer, static_cast<size_t>(got));
    if (text.size() > limit) {
      ::close(fd);
      return Fail(ErrorKind::kInvalid, path + ": larger than " + std::to_string(limit) + " bytes");
    }
  }
  ::close(fd);
  return text;
}

}  // namespace

Result<std::string> ReadFile(const std::string& path, size_t limit) {
  auto got = ReadNow(path, limit);
  if (FilesRead* const files = NotesFilesRead::Current()) files->Note(path, limit, got);
  return got;
}

}  // namespace mailhub::config
