// For tests: a file system with wrong or missing answers, like network storage and broken disks.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fuse.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <limits>
#include <string>
#include <thread>
#include <vector>

namespace mailhub::exporter {

// What goes wrong; the directory lists one file of 5 bytes. It also has a link to itself, `here`, which it does not list.
enum class Fault {
  kNone,
  kNamesFail,      // not one name can be read
  kNamesEnd,       // with an error, after the first
  kEntryFails,     // a name is read, and what it names cannot be looked at
  kEntryVanishes,  // a name is read, and what it names is gone
  kClosingHangs,   // who closes a file waits, also at the end of a process
  kAllFails,       // as if nobody answered any more, but for what the kernel reads of an open file
  kSilent          // the same without an answer: who asks waits
};

// The kernel's side is linux/fuse.h. Answers on its own thread until it is destroyed. Its file
// holds `text`; with `user`, only that account may look at it: not even root.
class FaultyMount {
 public:
  explicit FaultyMount(std::string directory, std::string text = "text\n", int user = -1)
      : directory_(std::move(directory)), text_(std::move(text)) {
    std::filesystem::create_directories(directory_);
    device_ = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    const std::string whose = std::to_string(std::max(user, 0));
    const std::string options = "fd=" + std::to_string(device_) +
                                ",rootmode=40000,user_id=" + whose + ",group_id=" + whose +
                                (user < 0 ? ",allow_other" : "");
    EXPECT_EQ(mount("mailhub_faulty", directory_.c_str(), "fuse", 0, options.c_str()), 0);
    server_ = std::thread([this] { Serve(); });
  }
  ~FaultyMount() {
    Leave();
    close(device_);
  }
  // It is no longer mounted anywhere, and no process answers for it.
  void Leave() {
    if (!server_.joinable()) return;
    umount2(directory_.c_str(), MNT_FORCE | MNT_DETACH);
    server_.join();
  }
  FaultyMount(const FaultyMount&) = delete;
  FaultyMount& operator=(const FaultyMount&) = delete;

  // Goes wrong so often, and then no more.
  void Become(Fault fault, int times = std::numeric_limits<int>::max()) {
    times_ = times;
    fault_ = fault;
  }

 private:
  static constexpr uint64_t kFile = 2, kLink = 3;  // their nodes; the directory's is FUSE_ROOT_ID

  void Serve() {
    std::vector<char> request(size_t{1} << 17);
    while (true) {
      const ssize_t size = read(device_, request.data(), request.size());
      if (size >= static_cast<ssize_t>(sizeof(fuse_in_header))) {
        fuse_in_header header{};
        std::memcpy(&header, request.data(), sizeof(header));
        Handle(header, request.data() + sizeof(header));
      } else if (errno != EINTR && errno != ENOENT) {
        return;  // it is unmounted
      }
    }
  }

  void Handle(const fuse_in_header& header, const char* body) {
    const Fault fault = fault_;
    if (fault >= Fault::kAllFails &&
        (header.opcode == FUSE_GETATTR || header.opcode == FUSE_LOOKUP ||
         header.opcode == FUSE_READLINK)) {
      if (fault == Fault::kAllFails) Say(header, EIO);
      return;
    }
    switch (header.opcode) {
      case FUSE_INIT: {
        fuse_init_out out{};
        out.major = FUSE_KERNEL_VERSION;
        out.minor = 31;
        out.max_write = 1U << 16;
        return Say(header, out);
      }
      case FUSE_GETATTR: {
        fuse_attr_out out{};
        out.attr = Attributes(header.nodeid);
        return Say(header, out);
      }
      case FUSE_LOOKUP: {
        const bool link = std::strcmp(body, "here") == 0;
        if ((!link && std::strcmp(body, "file") != 0) || Fails(Fault::kEntryVanishes))
          return Say(header, ENOENT);
        if (Fails(Fault::kEntryFails)) return Say(header, EIO);
        fuse_entry_out out{};
        out.nodeid = link ? kLink : kFile;
        out.attr = Attributes(out.nodeid);
        return Say(header, out);
      }
      case FUSE_READLINK:
        return Write(header, 0, ".", 1);
      case FUSE_OPEN:
      case FUSE_OPENDIR:
        return Say(header, fuse_open_out{});
      case FUSE_READ: {
        fuse_read_in in{};
        std::memcpy(&in, body, sizeof(in));
        const size_t from = std::min<size_t>(in.offset, text_.size());
        return Write(header, 0, text_.data() + from,
                     std::min<size_t>(in.size, text_.size() - from));
      }
      case FUSE_READDIR: {
        fuse_read_in in{};
        std::memcpy(&in, body, sizeof(in));
        if (Fails(Fault::kNamesFail)) return Say(header, EIO);
        if (in.offset > 0) return Say(header, Fails(Fault::kNamesEnd) ? EIO : 0);
        return SayName(header);
      }
      case FUSE_FLUSH:
        if (fault == Fault::kClosingHangs) return;
        return Say(header, 0);
      case FUSE_RELEASE:
      case FUSE_RELEASEDIR:
        return Say(header, 0);
      case FUSE_WRITE:  // never ends, as long as it is mounted
      case FUSE_FORGET:
      case FUSE_BATCH_FORGET:
      case FUSE_INTERRUPT:
        return;
      default:
        return Say(header, ENOSYS);
    }
  }

  bool Fails(Fault fault) { return fault_ == fault && times_-- > 0; }

  fuse_attr Attributes(uint64_t node) const {
    fuse_attr attributes{};
    attributes.ino = node;
    attributes.mode = node == kFile   ? S_IFREG | 0755
                      : node == kLink ? S_IFLNK | 0777
                                      : S_IFDIR | 0755;
    attributes.nlink = 1;
    attributes.size = node == kFile ? text_.size() : 0;
    attributes.mtime = 1'000'000'000;
    return attributes;
  }

  void SayName(const fuse_in_header& header) {
    fuse_dirent entry{};
    entry.ino = kFile;
    entry.off = 1;
    entry.namelen = 4;
    entry.type = S_IFREG >> 12;
    std::array<char, FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + 4)> out{};
    std::memcpy(out.data(), &entry, FUSE_NAME_OFFSET);
    std::memcpy(out.data() + FUSE_NAME_OFFSET, "file", 4);
    Say(header, out);
  }

  void Say(const fuse_in_header& header, int error) { Write(header, error, nullptr, 0); }
  template <typename Out>
  void Say(const fuse_in_header& header, const Out& out) {
    Write(header, 0, &out, sizeof(out));
  }
  void Write(const fuse_in_header& header, int error, const void* bytes, size_t size) {
    fuse_out_header out{};
    out.len = static_cast<uint32_t>(sizeof(out) + size);
    out.error = -error;
    out.unique = header.unique;
    const std::array<iovec, 2> parts{{{&out, sizeof(out)}, {const_cast<void*>(bytes), size}}};
    // ENOENT: the asking process was killed meanwhile.
    EXPECT_TRUE(writev(device_, parts.data(), size > 0 ? 2 : 1) > 0 || errno == ENOENT);
  }

  const std::string directory_, text_;
  int device_ = -1;
  std::atomic<Fault> fault_ = Fault::kNone;
  std::atomic<int> times_ = 0;
  std::thread server_;
};

}  // namespace mailhub::exporter
