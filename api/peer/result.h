/* What the daemon's results are called on Windows: the one table. Inside, the families speak HRESULT. */
#ifndef PONTO_API_PEER_RESULT_H
#define PONTO_API_PEER_RESULT_H

#include <p2p.h>

/* Of a call that came to no answer: there is no daemon, it refuses, … */
HRESULT peer_result_of_call(int ponto);

/* Of an answer, in general, and of service-pnrp, which means a cloud by some. */
HRESULT peer_result(int ponto);
HRESULT peer_result_pnrp(int ponto);

/* Of the component "identity", and of its method Import. */
HRESULT peer_result_identity(int ponto);
HRESULT peer_result_import(int ponto);

/* Of a Resolve: S_FALSE when there is no fault, but nothing was found either. */
HRESULT peer_result_resolve(int ponto);

/* The code for WSAGetLastError. S_OK is 0. */
int peer_result_wsa(HRESULT result);

#endif
