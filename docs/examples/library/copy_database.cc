// Copies an SQLite file into PostgreSQL from a program of one's own:
//   copy_database FILE CONNINFO
#include <iostream>

#include "lite2pg.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: copy_database FILE CONNINFO\n";
    return 2;
  }
  lite2pg::CopyRequest request;  // every default is that of the command line
  request.source = argv[1];
  request.target.conninfo = argv[2];
  request.target.given = true;

  lite2pg::EventSink events;
  events.on_event = [](const lite2pg::Event& event) {
    if (event.kind == lite2pg::Event::Kind::kStageBegin) {
      std::cerr << lite2pg::StageName(event.stage) << "\n";
    }
  };
  lite2pg::CancelToken cancel;  // another thread may call cancel.Cancel()
  const lite2pg::Report report = lite2pg::RunCopy(request, events, cancel);

  for (const lite2pg::TableReport& table : report.tables) {
    std::cout << table.target_name << " " << table.rows_target << " "
              << (!table.compared ? "not compared" : table.equal ? "equal" : "different") << "\n";
  }
  for (const lite2pg::ErrorInfo& error : report.errors) std::cerr << error.what << "\n";
  return static_cast<int>(report.exit_code);
}
