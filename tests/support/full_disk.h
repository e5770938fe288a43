/* Ponto tests: a disk that is full when the test says so.
 *
 * A preloaded library (full_disk.c) counts the calls that need space in files of one kind, directly in one folder:
 * making and renaming a file, growing it, writing and syncing. From the n-th on, as many as told fail with ENOSPC; a
 * write that is the first of them still writes half, as on a real disk. Each refusal leaves a byte in the mark file,
 * so that a test knows that it happened. */
#ifndef PONTO_TESTS_SUPPORT_FULL_DISK_H
#define PONTO_TESTS_SUPPORT_FULL_DISK_H

#define FULL_DISK_ENV_FOLDER "PONTO_FULL_DISK_FOLDER" /* absolute */
#define FULL_DISK_ENV_KIND "PONTO_FULL_DISK_KIND"     /* part of a file's name; empty: any file */
#define FULL_DISK_ENV_FIRST "PONTO_FULL_DISK_FIRST"   /* the first call refused, from 1 */
#define FULL_DISK_ENV_COUNT "PONTO_FULL_DISK_COUNT"   /* how many are; 0: all from then on */
#define FULL_DISK_ENV_MARK "PONTO_FULL_DISK_MARK"     /* a file elsewhere */

#endif
