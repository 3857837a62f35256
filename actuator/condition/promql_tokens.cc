// See promql_tokens.h.
#include "actuator/condition/promql_tokens.h"

#include <algorithm>
#include <charconv>

#include "lib/base/duration.h"
#include "lib/base/printable.h"

namespace mailhub::condition {
namespace {

bool IsSpace(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool IsWordStart(char c) {
  return IsLetter(c) || c == '_' || c == ':';
}

// Length of the first UTF-8 character of `text`; 0 when there is none, and for the replacement
// character, which Prometheus takes for broken text.
size_t Utf8Length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  const size_t length = first < 0x80                     ? 1
                        : first >= 0xC2 && first <= 0xDF ? 2
                        : first >= 0xE0 && first <= 0xEF ? 3
                        : first >= 0xF0 && first <= 0xF4 ? 4
                                                         : 0;
  if (length == 0 || length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return 0;
  }
  if (length < 3) return length;
  const unsigned second = byte(1);
  if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F)) return 0;
  if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) return 0;
  return text.starts_with("\xEF\xBF\xBD") ? 0 : length;
}

class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text) {}

  Result<std::vector<Token>> All() {
    std::vector<Token> tokens;
    while (true) {
      SkipSpace();
      if (at_ >= text_.size()) break;
      auto token = Next();
      if (!token) return Fail(token.error());
      tokens.push_back(*token);
    }
    tokens.push_back({TokenKind::kEnd, {}, text_.size(), text_.size()});
    return tokens;
  }

 private:
  void SkipSpace() {
    while (at_ < text_.size() && (IsSpace(text_[at_]) || text_[at_] == '#')) {
      at_ = text_[at_] == '#' ? std::min(text_.find_first_of("\r\n", at_), text_.size()) : at_ + 1;
    }
  }

  Token Until(size_t end, TokenKind kind) {
    const Token token{kind, text_.substr(at_, end - at_), at_, end};
    at_ = end;
    return token;
  }

  Result<Token> Next() {
    const char c = text_[at_];
    if (c == '"' || c == '\'' || c == '`') return String(c);
    if (c == '[') return Range();
    if (IsWordStart(c)) {
      size_t end = at_;
      while (end < text_.size() && (IsWordStart(text_[end]) || IsDigit(text_[end]))) ++end;
      return Until(end, TokenKind::kWord);
    }
    if (IsDigit(c) || (c == '.' && at_ + 1 < text_.size() && IsDigit(text_[at_ + 1]))) {
      return Number();
    }
    for (const std::string_view mark : {"==", "!=", ">=", "<=", "=~", "!~"}) {
      if (text_.substr(at_, 2) == mark) return Until(at_ + 2, TokenKind::kMark);
    }
    if (std::string_view("(){}+-*/%^<>=,@").find(c) == std::string_view::npos) {
      return WrongAt(at_, "'" + Excerpt(text_.substr(at_, 1)) + "' is not understood");
    }
    return Until(at_ + 1, TokenKind::kMark);
  }

  Result<Token> String(char quote) {
    size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != quote) {
      const size_t length = Utf8Length(text_.substr(end));
      if (length == 0) return WrongAt(end, "this text is not UTF-8");
      if (static_cast<unsigned char>(text_[end]) < ' ') {
        return WrongAt(end, "a text must not hold control characters or end on another line");
      }
      if (text_[end] == '\\' && quote != '`') {
        const char escaped = end + 1 < text_.size() ? text_[end + 1] : '\0';
        if (escaped != '\\' && escaped != quote) {
          return WrongAt(end, std::string("expected \\\\ or \\") + quote +
                                  " after a backslash; `...` needs no escapes");
        }
        ++end;
      }
      end += length;
    }
    if (end >= text_.size()) return WrongAt(at_, "this text has no closing quote");
    return Until(end + 1, TokenKind::kString);
  }

  Result<Token> Range() {
    const size_t end = text_.find(']', at_);
    if (end == std::string_view::npos) return WrongAt(at_, "this [ has no ]");
    const Token token{TokenKind::kRange, text_.substr(at_ + 1, end - at_ - 1), at_, end + 1};
    at_ = end + 1;
    return token;
  }

  // Decimal only: Prometheus reads 010 as eight.
  Result<Token> Number() {
    size_t end = at_;
    while (end < text_.size() &&
           (IsDigit(text_[end]) || text_[end] == '.' || IsWordStart(text_[end]) ||
            ((text_[end] == '+' || text_[end] == '-') &&
             (text_[end - 1] == 'e' || text_[end - 1] == 'E')))) {
      ++end;
    }
    const std::string_view text = text_.substr(at_, end - at_);
    if (text != "0" && ParseDuration(text)) return Until(end, TokenKind::kDuration);
    Token token = Until(end, TokenKind::kNumber);
    const auto [stop, error] =
        std::from_chars(text.data(), text.data() + text.size(), token.number);
    const bool octal = text.size() > 1 && text[0] == '0' && IsDigit(text[1]);
    if (octal || error != std::errc() || stop != text.data() + text.size()) {
      return WrongAt(token.begin, "\"" + Excerpt(text) + "\" is not a number; expected one " +
                                      "like 0.9 or 1e6");
    }
    return token;
  }

  const std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

tl::unexpected<Error> WrongAt(size_t at, const std::string& message) {
  return Fail(ErrorKind::kInvalid, "character " + std::to_string(at + 1) + ": " + message);
}

Result<std::vector<Token>> SplitPromql(std::string_view text) {
  return Splitter(text).All();
}

std::string Unquoted(std::string_view quoted) {
  const bool raw = quoted.front() == '`';
  std::string out;
  for (size_t i = 1; i + 1 < quoted.size(); ++i) {
    if (quoted[i] == '\\' && !raw) ++i;
    out += quoted[i];
  }
  return out;
}

}  // namespace mailhub::condition
