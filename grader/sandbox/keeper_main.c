/* sandbox/keeper_main.c: the program that a sandbox's processes are: janitor, keeper, and every box's init.
 *
 * It is a program of its own for what it is not: the caller, with its libraries and its memory. Each box begins as a copy
 * of the keeper, and copying the map of forty libraries would take longer than all the rest of making the box; and what
 * the caller had in memory is in no box, not even in its init's. Its bytes lie in the caller's program (keeper_image.S). */
#include "sandbox/box.h"

#include <stdlib.h>

int main(int argc, char **argv)
{
    if (argc != 1 + KEEPER_ARGS) /* started by hand */
        return 2;
    janitor_run(&(struct setup){.sock = KEEPER_SOCK,
                                .owner_pidfd = KEEPER_OWNER,
                                .uid = (uid_t)strtoul(argv[1], NULL, 10),
                                .gid = (gid_t)strtoul(argv[2], NULL, 10),
                                .networks_ahead = (unsigned)strtoul(argv[3], NULL, 10)});
}
