/* Prints the message with the reason, and ends the program. */
_Noreturn void DieWithError(const char *message);
