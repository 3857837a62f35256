// YAML that knows the place of each value, so that every mistake is reported as file:line:column and
// what was expected. yaml-cpp stays in the .cc.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace mailhub::config {

// One place in a document. A cheap, immutable handle that keeps the document alive; may be copied
// between threads.
class Node {
 public:
  struct Document;
  struct Entry;

  // False for a key that is not there; every reader of values.h then fails with "missing".
  bool Present() const;
  bool IsMap() const;
  bool IsList() const;
  bool IsScalar() const;
  const std::string& Scalar() const;  // its text; "" unless a scalar

  // "site.yml:12:5", for messages. A missing key gives the place of its parent.
  std::string Where() const;
  int Line() const;
  // What messages call the document, usually the file's path.
  const std::string& File() const;
  // "hosts.x500.port", "steps[2].name"; empty at the root.
  const std::string& Field() const;
  // kInvalid "site.yml:12:5: hosts.x500.port: MESSAGE".
  tl::unexpected<Error> Invalid(std::string_view message) const;
  // The same with "expected WHAT, found ..." or "missing; expected WHAT".
  tl::unexpected<Error> Expected(std::string_view what) const;

  // The child at `key` of a map. Not present if the key is missing or this is no map.
  Node operator[](std::string_view key) const;
  // Entries in the file's order. Empty unless a map / a list.
  std::vector<Entry> Entries() const;
  std::vector<Node> Items() const;

  // Fails at the first key of this map that is not in `known`, naming the known ones; also when
  // this is no map.
  Status OnlyKeys(std::initializer_list<std::string_view> known) const;

 private:
  friend Result<Node> ParseYaml(std::string_view text, const std::string& name);
  struct Impl;
  explicit Node(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

struct Node::Entry {
  std::string key;
  Node key_node;  // for Where() of the key itself
  Node value;
};

// Limits on what is read: 1 MiB, 64 levels deep, 50,000 nodes (both counted as if every alias were
// written out). Duplicate keys, tags, several documents, control bytes and syntax errors are
// kInvalid with their place. `name` is what messages call the text, usually the file's path.
Result<Node> ParseYaml(std::string_view text, const std::string& name);

// kNotFound when there is no such file, kRefused when it may not be read; else as ParseYaml.
Result<Node> LoadYaml(const std::string& path);

// The whole file, at most `limit` bytes (kInvalid beyond). kNotFound and kRefused as LoadYaml. Of a
// pipe what comes within 5 s, else kInvalid; one that nobody writes to is empty. For secrets and
// scripts too.
Result<std::string> ReadFile(const std::string& path, size_t limit = 1 << 20);

}  // namespace mailhub::config
