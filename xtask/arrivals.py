"""When connections arrive, by the kernel's own clock: a server that is busy accepts them later."""

import os
import socket
import struct
import threading

SO_TIMESTAMPNS = 35
SYN, ACK = 0x02, 0x10
OUTGOING = 4


class Arrivals(threading.Thread):
    """Instants (wall clock, seconds) and addresses of every first packet of a connection to `port` on loopback. Root."""

    def __init__(self, port):
        super().__init__(daemon=True)
        if os.getuid() != 0:
            raise PermissionError("needs root: packets are looked at")
        self.port, self.seen = port, []
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
        self.socket.bind(("lo", 0x0800))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        # SO_RCVBUFFORCE: nothing may be missed while others have the processor.
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 256 << 20)
        self.start()

    def run(self):
        while True:
            packet, notes, _, sender = self.socket.recvmsg(64, 128)
            # Each packet passes twice, on its way out and in.
            if sender[2] == OUTGOING or len(packet) < 40 or packet[9] != 6:
                continue
            tcp = packet[(packet[0] & 15) * 4:]
            if struct.unpack(">H", tcp[2:4])[0] != self.port or tcp[13] & (SYN | ACK) != SYN:
                continue
            seconds, nanos = struct.unpack("qq", notes[0][2][:16])
            self.seen.append((seconds + nanos / 1e9, socket.inet_ntoa(packet[16:20])))
