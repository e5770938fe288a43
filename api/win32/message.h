/* Messages, inside. */
#ifndef PONTO_API_WIN32_MESSAGE_H
#define PONTO_API_WIN32_MESSAGE_H

#include <windef.h>

/* The system's text for a code, one English sentence in ASCII; NULL when there is none. Static storage. */
const char *message_text(DWORD code);

#endif
