// Replacements for poll(2), accept(2) and SSL_set_fd(3), which the linker gives to civetweb and all
// of the program (see CMakeLists.txt). They behave as the originals, except on the threads named
// here. Internal to this folder.
#pragma once

namespace mailhub::http {

class AcceptQueue;

// Called by a civetweb thread when it begins. The accepting thread waits at the queue; a worker
// gives up a TLS handshake that takes too long.
void BecomeAcceptingThread(AcceptQueue* queue);
void BecomeWorker(AcceptQueue* queue);

// The socket of this worker's connection, which civetweb does not tell: -1 until the first wait for
// the client.
int WorkersSocket();
// The handshake of this worker's connection is over.
void EndHandshake();
// This worker's connection is about to be closed. Its socket, or -1.
int LeaveWorkersSocket();

}  // namespace mailhub::http
