/* submission/wire.h: what the process that parses an archive sends to the one that started it: frames of a head and at
 * most WIRE_MAX_BYTES. Both are the same program, so numbers are in the machine's own form; the receiver trusts none. */
#ifndef GRADER_SUBMISSION_WIRE_H
#define GRADER_SUBMISSION_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#define WIRE_MAX_BYTES ((uint32_t)32 << 10)
#define WIRE_MAX_TEXT  ((uint32_t)4095) /* a path or the target of a link; longer ones are cut */

enum wire_kind {
    WIRE_FORM,  /* detail: enum wire_form */
    WIRE_ENTRY, /* detail: enum unpack_type; bytes: path, 0, target, 0 */
    WIRE_DATA,  /* bytes of the last entry */
    WIRE_END,   /* of the last entry */
    WIRE_DONE,  /* of the archive */
    WIRE_FAIL,  /* detail: enum wire_failure; bytes: libarchive's words, 0 */
    WIRE_KINDS
};

struct wire_head {
    uint32_t kind, detail, len;
};

enum wire_form { FORM_ZIP, FORM_TAR, FORM_TAR_GZ, FORM_TAR_BZ2, FORM_TAR_XZ, FORM_7Z, FORM_COUNT };

enum wire_failure {
    FAIL_NO_ARCHIVE, /* of no form that is read */
    FAIL_DAMAGED,
    FAIL_TRUNCATED,
    FAIL_ENCRYPTED,
    FAIL_NESTED, /* compressed more than once */
    FAIL_NAME,   /* an entry whose name cannot be read */
    FAIL_COUNT
};

/* unpack_child.c: parses standard input, writes frames to standard output, ends the process. It is contained already.
 * names_only: entries without their data. */
_Noreturn void unpack_child_run(bool names_only);

#endif
