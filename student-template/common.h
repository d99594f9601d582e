/* common.h: what all eight programs share. Add to it, and to common.c, whatever several of them need. */
#ifndef COMMON_H
#define COMMON_H

/* "1".."65535" -> the number; anything else -> -1. */
int parse_port(const char *text);

/* Writes "program: not written yet" on stderr. Returns the exit status for a run-time failure. */
int not_written(const char *program);

#endif
