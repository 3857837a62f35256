// What civetweb's threads call instead of poll(2), accept(2) and SSL_set_fd(3): the linker gives
// civetweb, and everything else in the program, the three functions defined in the .cc
// (CMakeLists.txt says so). They do what they always did, except on the threads named here.
// Internal to this folder.
#pragma once

namespace mailhub::http {

class AcceptQueue;

// Said by a thread of civetweb's when it begins. The accepting one waits at the queue; a worker
// gives up a TLS handshake that takes too long.
void BecomeAcceptingThread(AcceptQueue* queue);
void BecomeWorker(AcceptQueue* queue);

// The socket of this worker's connection, which civetweb does not tell: -1 until it first waits for
// the client.
int WorkersSocket();
// The handshake of this worker's connection is over.
void EndHandshake();
// This worker's connection is about to be closed. Its socket, or -1.
int LeaveWorkersSocket();

}  // namespace mailhub::http
