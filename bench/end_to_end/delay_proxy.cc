// delay_proxy TARGET_PORT DELAY_MS: a TCP proxy on loopback that delivers every byte DELAY_MS after
// it arrived, in both directions: a network with twice that round-trip time. Prints the port that
// it listens on; ends with its standard input.
//
// What is under way in one direction of a connection is limited to kWindowBytes, as a TCP window
// would limit it: the rate of one connection is at most kWindowBytes per delay.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kWindowBytes = size_t{8} << 20;
constexpr size_t kReadBytes = size_t{256} << 10;

struct Parcel {
  Clock::time_point due;
  std::vector<char> bytes;  // empty: the sender has closed
};

// One direction: a reader puts, a writer takes when the time has come.
class Line {
 public:
  void Put(Parcel parcel) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return bytes_ < kWindowBytes; });
    bytes_ += parcel.bytes.size();
    parcels_.push_back(std::move(parcel));
    changed_.notify_all();
  }
  Parcel Take() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return !parcels_.empty(); });
    const Clock::time_point due = parcels_.front().due;
    lock.unlock();
    std::this_thread::sleep_until(due);
    lock.lock();
    Parcel parcel = std::move(parcels_.front());
    parcels_.pop_front();
    bytes_ -= parcel.bytes.size();
    changed_.notify_all();
    return parcel;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Parcel> parcels_;
  size_t bytes_ = 0;
};

bool WriteAll(int to, const std::vector<char>& bytes) {
  for (size_t at = 0; at < bytes.size();) {
    const ssize_t written = send(to, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
    if (written <= 0) return false;
    at += static_cast<size_t>(written);
  }
  return true;
}

// Runs until `from` is closed; then `to` learns of it, after the delay as well.
void Carry(int from, int to, std::chrono::microseconds delay) {
  const auto line = std::make_shared<Line>();
  std::thread writer([line, to] {
    bool open = true;
    while (true) {
      const Parcel parcel = line->Take();
      if (parcel.bytes.empty()) break;
      open = open && WriteAll(to, parcel.bytes);
    }
    shutdown(to, SHUT_WR);
  });
  std::vector<char> buffer(kReadBytes);
  while (true) {
    const ssize_t size = recv(from, buffer.data(), buffer.size(), 0);
    const auto due = Clock::now() + delay;
    if (size <= 0) {
      line->Put({due, {}});
      break;
    }
    line->Put({due, std::vector<char>(buffer.begin(), buffer.begin() + size)});
  }
  writer.join();
}

int Listen(sockaddr_in* address) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  address->sin_family = AF_INET;
  address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(*address);
  auto* const any = reinterpret_cast<sockaddr*>(address);
  if (bind(listener, any, size) != 0 || listen(listener, 64) != 0 ||
      getsockname(listener, any, &size) != 0) {
    std::perror("delay_proxy: listen");
    std::exit(1);
  }
  return listener;
}

void Serve(int client, uint16_t port, std::chrono::microseconds delay) {
  const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  const int on = 1;
  setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (connect(server, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) {
    std::thread back(Carry, server, client, delay);
    Carry(client, server, delay);
    back.join();
  }
  close(server);
  close(client);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: delay_proxy TARGET_PORT DELAY_MS\n");
    return 2;
  }
  const auto port = static_cast<uint16_t>(std::atoi(argv[1]));
  const std::chrono::microseconds delay(static_cast<int64_t>(std::atof(argv[2]) * 1000));
  sockaddr_in address{};
  const int listener = Listen(&address);
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  std::thread([listener, port, delay] {
    while (true) {
      const int client = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      if (client >= 0) std::thread(Serve, client, port, delay).detach();
    }
  }).detach();
  char byte = 0;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
  std::_Exit(0);  // connections that are still open die with it
}
