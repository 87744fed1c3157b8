// replay CONNINFO LIST...: sends files of binary COPY bytes to PostgreSQL as fast as it takes them.
//
// Each LIST is a file with lines "COPY statement<TAB>path"; each gets a connection and a thread of
// its own, which runs its lines one after the other, each in a transaction. Paths are mapped into
// memory before the clock starts, so that nothing but libpq and the server is measured. Prints the
// seconds from the first COPY to the last COMMIT, and the bytes.
#include <fcntl.h>
#include <libpq-fe.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr size_t kWriteBytes = size_t{1} << 20;

[[noreturn]] void Die(const std::string& what, PGconn* conn = nullptr) {
  std::fprintf(stderr, "replay: %s%s%s\n", what.c_str(), conn == nullptr ? "" : ": ",
               conn == nullptr ? "" : PQerrorMessage(conn));
  std::exit(1);
}

struct Piece {
  std::string statement;
  const char* bytes = nullptr;
  size_t size = 0;
};

Piece Map(const std::string& line) {
  const size_t tab = line.find('\t');
  if (tab == std::string::npos) Die("no tab in: " + line);
  const std::string path = line.substr(tab + 1);
  const int file = open(path.c_str(), O_RDONLY);
  struct stat info {};
  if (file < 0 || fstat(file, &info) != 0) Die("cannot open " + path);
  Piece piece;
  piece.statement = line.substr(0, tab);
  piece.size = static_cast<size_t>(info.st_size);
  void* const memory =
      mmap(nullptr, piece.size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
  if (memory == MAP_FAILED) Die("cannot map " + path);
  close(file);
  piece.bytes = static_cast<const char*>(memory);
  return piece;
}

void Run(PGconn* conn, const char* sql, ExecStatusType expected) {
  PGresult* const result = PQexec(conn, sql);
  if (PQresultStatus(result) != expected) Die(sql, conn);
  PQclear(result);
}

void Send(PGconn* conn, const std::vector<Piece>& pieces) {
  for (const Piece& piece : pieces) {
    Run(conn, "BEGIN", PGRES_COMMAND_OK);
    Run(conn, piece.statement.c_str(), PGRES_COPY_IN);
    for (size_t at = 0; at < piece.size; at += kWriteBytes) {
      const size_t size = std::min(kWriteBytes, piece.size - at);
      if (PQputCopyData(conn, piece.bytes + at, static_cast<int>(size)) != 1) Die("COPY", conn);
    }
    if (PQputCopyEnd(conn, nullptr) != 1) Die("COPY", conn);
    PGresult* result = nullptr;
    while ((result = PQgetResult(conn)) != nullptr) {
      if (PQresultStatus(result) != PGRES_COMMAND_OK) Die(piece.statement, conn);
      PQclear(result);
    }
    Run(conn, "COMMIT", PGRES_COMMAND_OK);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) Die("usage: replay CONNINFO LIST...");
  std::vector<std::vector<Piece>> lists;
  std::vector<PGconn*> connections;
  size_t bytes = 0;
  for (int i = 2; i < argc; ++i) {
    std::ifstream list(argv[i]);
    if (!list) Die(std::string("cannot read ") + argv[i]);
    lists.emplace_back();
    for (std::string line; std::getline(list, line);) {
      lists.back().push_back(Map(line));
      bytes += lists.back().back().size;
    }
    connections.push_back(PQconnectdb(argv[1]));
    if (PQstatus(connections.back()) != CONNECTION_OK) Die("connect", connections.back());
  }
  const auto began = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (size_t i = 0; i < lists.size(); ++i) {
    threads.emplace_back(Send, connections[i], std::cref(lists[i]));
  }
  for (std::thread& thread : threads) thread.join();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - began;
  std::printf("%.6f %zu\n", seconds.count(), bytes);
  for (PGconn* conn : connections) PQfinish(conn);
  return 0;
}
