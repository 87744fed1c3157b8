// The report's pictures, as SVG without script or network. Colours are classes of the page's style
// (report_html.cc): c0..c7 for tables, s0..s8 for stages.
#ifndef LITE2PG_ENGINE_REPORT_REPORT_PLOTS_H_
#define LITE2PG_ENGINE_REPORT_REPORT_PLOTS_H_

#include <string>

#include "engine/report/report.h"

namespace lite2pg {

// Each is "" where the run has nothing to draw.
// Stages as bars along the time, and below them what each worker was at.
std::string TimelinePlot(const TimelineReport& timeline);
// Rows and bytes per second along the same time.
std::string ThroughputPlot(const TimelineReport& timeline);
// How long workers were at each table, by stage.
std::string SharePlot(const TimelineReport& timeline);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_REPORT_REPORT_PLOTS_H_
