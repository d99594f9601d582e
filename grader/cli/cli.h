/* cli/cli.h: one function a subcommand: argv in (argv[0] is the subcommand's name), exit status out. With main.c the only
 * place that prints or reads the environment. */
#ifndef GRADER_CLI_CLI_H
#define GRADER_CLI_CLI_H

/* Exit statuses (design §3). */
enum { EXIT_FULL_MARKS = 0, EXIT_MARKS_LOST = 1, EXIT_USAGE = 2, EXIT_HOST = 3 };

int cli_grade(int argc, char **argv);
int cli_batch(int argc, char **argv);
int cli_report(int argc, char **argv);
int cli_lint(int argc, char **argv);
int cli_explain(int argc, char **argv);
int cli_doctor(int argc, char **argv);

#endif
