/* What a program includes first: the base types and functions. */
#ifndef PONTO_WIN32_WINDOWS_H
#define PONTO_WIN32_WINDOWS_H

#include <windef.h>
#include <winnt.h>
#include <winerror.h>
#include <winbase.h>
#include <wincon.h>
#include <winnls.h>
#ifndef WIN32_LEAN_AND_MEAN
#include <wincrypt.h>
#include <rpc.h>
#endif

#endif
