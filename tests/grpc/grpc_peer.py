"""Both ends of a gRPC stream, by gRPC's own Python library.

    grpc_peer.py server               prints "port N"; /test/Echo returns every message
    grpc_peer.py hold TARGET          one stream of /test/Echo: prints "open" once the first message
                                      came back, and sends another one, its last, after SIGUSR1;
                                      prints "back" when that came, and "ended CODE" at the end
"""
import signal
import sys
from concurrent import futures

import grpc


class Echo(grpc.GenericRpcHandler):
    def service(self, details):
        return grpc.stream_stream_rpc_method_handler(lambda messages, _: messages)


def serve():
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    server.add_generic_rpc_handlers((Echo(),))
    print("port", server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    server.wait_for_termination()


def hold(target):
    # Before the library starts its threads, which have the same.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})

    def messages():
        yield b"first"
        signal.sigwait({signal.SIGUSR1})
        yield b"second"

    call = grpc.insecure_channel(target).stream_stream("/test/Echo")(messages())
    try:
        for count, _ in enumerate(call):
            print("open" if count == 0 else "back", flush=True)
    except grpc.RpcError:
        pass
    print("ended", call.code().value[0], flush=True)


if sys.argv[1] == "server":
    serve()
else:
    hold(sys.argv[2])
