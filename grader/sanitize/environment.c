/* sanitize/environment.c: how the sanitizers of a program under test are set.
 *
 * Variables win over __asan_default_options() and its kin, so whatever could hide a finding stands here, with its default
 * where that is wanted. What a program may still do is to remove its logs: they lie in a folder that it can write to. */
#include "sanitize/sanitize.h"

#define COMMON                                                                                     \
    "log_path=" SANITIZE_LOG_DIR "/san:log_exe_name=0:verbosity=0:symbolize=1:color=never:"        \
    "print_summary=1:suppressions="

/* allocator_may_return_null: malloc of far too much gives NULL, as it does without a sanitizer. Unwinding by tables finds
 * the student's frame behind those of libraries, which have no frame pointers. A small quarantine: boxes have little
 * memory. */
static const char *const environment[] = {
    "ASAN_OPTIONS=" COMMON
    ":halt_on_error=1:exitcode=99:abort_on_error=0:handle_segv=2:handle_sigbus=2:handle_sigfpe=2:"
    "handle_sigill=2:handle_abort=0:detect_leaks=1:detect_stack_use_after_return=1:"
    "allocator_may_return_null=1:fast_unwind_on_malloc=0:malloc_context_size=20:"
    "quarantine_size_mb=16:detect_odr_violation=0:poison_heap=1:replace_intrin=1:replace_str=1:"
    "start_deactivated=0:sleep_before_dying=0",
    "LSAN_OPTIONS=suppressions=:report_objects=0:max_leaks=0:use_stacks=1:use_registers=1:"
    "use_globals=1:use_tls=1",
    "UBSAN_OPTIONS=" COMMON ":halt_on_error=0:print_stacktrace=1:report_error_type=1",
    NULL,
};

const char *const *sanitize_environment(void)
{
    return environment;
}
