// Stands between one connection and the test server and cuts it where a test wants: faults that a
// server does not produce at will.
#ifndef LITE2PG_TESTS_ENGINE_POSTGRES_CUT_PROXY_H_
#define LITE2PG_TESTS_ENGINE_POSTGRES_CUT_PROXY_H_

#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/postgres/conninfo.h"

namespace lite2pg {

// Serves one client on a Unix socket of its own. Not for TLS: the client's conninfo turns it off.
class CutProxy {
 public:
  enum class Cut : uint8_t {
    kBeforeForwarding,  // the server never sees the bytes; both sides are closed
    kAfterAnswer,       // the server has answered, the client never hears; both are closed
    kClientOnly,        // the client is closed, the server is left waiting, until Release()
  };

  // Cuts when the client sends `trigger`.
  CutProxy(const std::string& upstream, std::string trigger, Cut cut)
      : upstream_(upstream), trigger_(std::move(trigger)), cut_(cut) {
    char name[] = "/tmp/l2pcutXXXXXX";
    directory_ = mkdtemp(name);
    listener_ = socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address = UnixAddress(directory_ + "/.s.PGSQL.5432");
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
        listen(listener_, 1) != 0) {
      std::abort();
    }
    thread_ = std::thread([this] { Serve(); });
  }

  ~CutProxy() {
    stop_ = true;
    thread_.join();
    for (const int fd : {listener_, client_, server_}) {
      if (fd >= 0) close(fd);
    }
    unlink((directory_ + "/.s.PGSQL.5432").c_str());
    rmdir(directory_.c_str());
  }

  std::string conninfo() const {
    return absl::StrCat(upstream_, " host=", directory_,
                        " hostaddr='' port=5432 sslmode=disable gssencmode=disable");
  }

  // kClientOnly: lets the server have, late, what the client sent; what it answers.
  std::string Release() {
    while (!cut_done_) usleep(1000);
    Send(server_, held_);
    pollfd ready = {server_, POLLIN, 0};
    char bytes[4096];
    if (poll(&ready, 1, 5000) <= 0) return "";
    const ssize_t size = recv(server_, bytes, sizeof(bytes), 0);
    return size > 0 ? std::string(bytes, static_cast<size_t>(size)) : "";
  }

 private:
  static sockaddr_un UnixAddress(const std::string& path) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    return address;
  }

  int ConnectUpstream() {
    auto settings = EffectiveSettings(upstream_);
    if (settings["host"].empty() || settings["host"][0] == '/') {
      const std::string directory =
          settings["host"].empty() ? "/var/run/postgresql" : settings["host"];
      const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
      sockaddr_un address = UnixAddress(absl::StrCat(directory, "/.s.PGSQL.", settings["port"]));
      if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) return fd;
      std::abort();
    }
    addrinfo hints = {}, *found = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(settings["host"].c_str(), settings["port"].c_str(), &hints, &found) != 0) {
      std::abort();
    }
    const int fd = socket(found->ai_family, SOCK_STREAM, 0);
    if (connect(fd, found->ai_addr, found->ai_addrlen) != 0) std::abort();
    freeaddrinfo(found);
    return fd;
  }

  static void Send(int fd, const std::string& bytes) {
    for (size_t at = 0; at < bytes.size();) {
      const ssize_t sent = send(fd, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
      if (sent <= 0) return;
      at += static_cast<size_t>(sent);
    }
  }

  void Serve() {
    pollfd waiting = {listener_, POLLIN, 0};
    while (!stop_ && poll(&waiting, 1, 20) <= 0) {
    }
    if (stop_) return;
    client_ = accept(listener_, nullptr, nullptr);
    server_ = ConnectUpstream();
    while (!stop_ && !cut_done_) {
      pollfd both[2] = {{client_, POLLIN, 0}, {server_, POLLIN, 0}};
      poll(both, 2, 20);
      if (both[0].revents != 0 && !Forward(client_, server_, true)) break;
      if (both[1].revents != 0 && !cut_done_ && !Forward(server_, client_, false)) break;
    }
    if (!cut_done_) Close(&client_), Close(&server_);
  }

  bool Forward(int from, int to, bool from_client) {
    char buffer[65536];
    const ssize_t size = recv(from, buffer, sizeof(buffer), 0);
    if (size <= 0) return false;
    std::string bytes(buffer, static_cast<size_t>(size));
    if (!from_client || !absl::StrContains(bytes, trigger_)) {
      Send(to, bytes);
      return true;
    }
    // The Sync may come by itself; without it the server would not answer.
    pollfd more = {from, POLLIN, 0};
    while (poll(&more, 1, 50) > 0) {
      const ssize_t rest = recv(from, buffer, sizeof(buffer), 0);
      if (rest <= 0) break;
      bytes.append(buffer, static_cast<size_t>(rest));
    }
    if (cut_ == Cut::kAfterAnswer) {
      Send(server_, bytes);
      pollfd answer = {server_, POLLIN, 0};
      poll(&answer, 1, 10'000);
      usleep(50'000);  // the rest of the answer; it is thrown away all the same
    }
    held_ = bytes;
    Close(&client_);
    if (cut_ != Cut::kClientOnly) Close(&server_);
    cut_done_ = true;
    return true;
  }

  static void Close(int* fd) {
    if (*fd >= 0) close(*fd);
    *fd = -1;
  }

  std::string upstream_, trigger_;
  Cut cut_;
  std::string directory_, held_;
  int listener_ = -1, client_ = -1, server_ = -1;
  std::atomic<bool> stop_{false}, cut_done_{false};
  std::thread thread_;
};

}  // namespace lite2pg

#endif  // LITE2PG_TESTS_ENGINE_POSTGRES_CUT_PROXY_H_
