// Decides how many COPY streams are worth having, from what they carried lately.
#ifndef LITE2PG_ENGINE_PIPELINE_STREAM_CONTROLLER_H_
#define LITE2PG_ENGINE_PIPELINE_STREAM_CONTROLLER_H_

#include <cstdint>

namespace lite2pg {

// Climbs: measures what the present number carries, tries one more, keeps it where that carries
// clearly more, and otherwise tries one less, which it keeps where that carries as much: streams
// that do not help take memory and processor time from the server. Then it rests, and begins again,
// as the next table may be of another kind. Knows no clock and no threads: the caller measures.
class StreamController {
 public:
  // 1 <= start <= max.
  StreamController(int start, int max);

  // The number that shall be at work now.
  int streams() const { return streams_; }
  // `bytes` were carried in the last interval of the caller's, all of about equal length. Returns
  // streams().
  int Observe(uint64_t bytes);
  // A stream more cannot be had after all: streams() falls to what there is, and stays below.
  void LimitTo(int max);

 private:
  enum class Phase : uint8_t { kSettle, kMeasure, kRest };

  void Judge(double rate);
  void Try(int streams);
  void Rest(int streams);

  int max_;
  int streams_;
  int kept_;               // the number to return to when a trial fails
  double kept_rate_ = 0;   // of kept_; 0: not measured yet
  double best_rate_ = 0;   // since the last rest
  bool tried_more_ = false;
  bool more_helped_ = false;
  Phase phase_ = Phase::kSettle;
  int left_ = 0;           // intervals of the phase
  double sum_ = 0;         // of those measured
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PIPELINE_STREAM_CONTROLLER_H_
