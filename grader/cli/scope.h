/* cli/scope.h: a control group of one's own for an ordinary user, from the service manager. */
#ifndef GRADER_CLI_SCOPE_H
#define GRADER_CLI_SCOPE_H

/* Where control groups cannot be made from where this process is, runs the program once more, with the same words, by
 * systemd-run(1) in a scope of the user's manager that is delegated to it (systemd.resource-control(5)), and waits for it: its
 * exit status, or this process dies of the signal that it died of. -1: the work is to be done here, in that scope already or
 * without one; scope_finding() says why. Before anything is printed, read or started. */
int scope_run(char *const *argv);

/* What scope_run() has found, one line. Lives in the environment, so that this process's children do not look again. */
const char *scope_finding(void);

#endif
