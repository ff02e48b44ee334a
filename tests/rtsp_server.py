# mypy: ignore-errors
"""An RTSP camera of GStreamer on 127.0.0.1. Run by Debian's own Python, which has its bindings.

    /usr/bin/python3 rtsp_server.py PORT [h264|jpeg] [--password USER:PASSWORD] [--gop FRAMES]

Prints `ready` when it listens; the stream is rtsp://127.0.0.1:PORT/live, 320 x 240 at 25 frames a second.
"""

import argparse

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

ENCODERS = {
    "h264": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max={gop} ! rtph264pay name=pay0 pt=96",
    "jpeg": "jpegenc ! rtpjpegpay name=pay0 pt=26",
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port")
    parser.add_argument("codec", nargs="?", default="h264", choices=ENCODERS)
    parser.add_argument("--password")
    parser.add_argument("--gop", type=int, default=25)
    given = parser.parse_args()
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(given.port)
    factory = GstRtspServer.RTSPMediaFactory()
    scene = "videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=240,framerate=25/1"
    factory.set_launch(f"( {scene} ! {ENCODERS[given.codec].format(gop=given.gop)} )")
    factory.set_shared(True)
    if given.password:
        protect(server, factory, *given.password.split(":", 1))
    server.get_mount_points().add_factory("/live", factory)
    server.attach(None)
    print("ready", flush=True)
    GLib.MainLoop().run()


def protect(server: GstRtspServer.RTSPServer, factory: GstRtspServer.RTSPMediaFactory, *login: str) -> None:
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(*login), token)
    server.set_auth(auth)
    access = GstRtspServer.RTSPPermissions()
    access.add_permission_for_role("viewer", "media.factory.access", True)
    access.add_permission_for_role("viewer", "media.factory.construct", True)
    factory.set_permissions(access)


main()
