/* scenario/match_parts.h: the files of the matcher among each other. Private to scenario/. */
#ifndef GRADER_SCENARIO_MATCH_PARTS_H
#define GRADER_SCENARIO_MATCH_PARTS_H

#include "scenario/match.h"

void match_fail(struct match_result *ret, enum outcome outcome, size_t diff_at);
/* The stream holds too little for a verdict: MORE, or how it ended. */
void match_incomplete(const struct resolved *resolved, const struct arrival *arrival,
                      struct match_result *ret);
/* Reads one HTTP message off the stream: true with *used when it is as wanted; false when ret holds the answer. */
bool match_http_stream(const struct resolved *resolved, const struct arrival *arrival,
                       struct match_result *ret, size_t *used);
/* Fills ret->expected and ret->observed where they are still empty. */
void match_explain(const struct resolved *resolved, const struct arrival *arrival,
                   struct match_result *ret);

#endif
