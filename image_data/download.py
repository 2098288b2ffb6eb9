"""Downloads that are announced, and fail at once where there is no network."""

import socket
import threading
import urllib.parse
import urllib.request

__all__ = ["download"]

_PATIENCE = 5.0  # seconds until a silent network counts as none; TFDS itself would wait for minutes
_ANY_HOST = "https://storage.googleapis.com"  # for sets that do not list their addresses


def download(builder):
    """Downloads and prepares the set of a TFDS builder, after saying what, how much and where to.

    Args:
        builder: A `tfds.core.DatasetBuilder` that is not prepared yet.

    Raises:
        ConnectionError: if the set's server does not answer.
        OSError: if the download or its preparation fails.
    """
    listed = builder.url_infos or {}
    size = sum(info.size or 0 for info in listed.values())
    print(f"Downloading {builder.info.full_name} ({_readable(size)}) to {builder.data_path} ...", flush=True)
    address = next(iter(listed), _ANY_HOST)
    ways_on = (
        f"Use --dataset digits, which is embedded, or give --data-dir a directory that holds {builder.name} prepared."
    )
    if not _answers(address):
        host = urllib.parse.urlsplit(address).hostname
        raise ConnectionError(
            f"The data set {builder.name} cannot be downloaded. Expected an answer from {host}. "
            f"Received: none within {_PATIENCE:g} s. {ways_on}"
        )
    try:
        builder.download_and_prepare()
    except Exception as error:  # whatever a set's own script may raise: the user needs the same ways on
        reason = str(error).strip().partition("\n")[0]
        raise OSError(
            f"The data set {builder.name} cannot be downloaded. Expected its files from {address}. "
            f"Received: {type(error).__name__}: {reason} {ways_on}"
        ) from error


def _readable(size):
    """Bytes as people write them. Sets with several configurations list the files of all."""
    if not size:
        return "size unknown"
    return f"{size / 1e9:.1f} GB at most" if size >= 1e9 else f"{max(1, round(size / 1e6))} MB at most"


def _answers(address):
    """Whether the host of `address`, or the proxy that leads to it, accepts a connection."""
    target = urllib.parse.urlsplit(address)
    proxy = urllib.request.getproxies().get(target.scheme)
    if proxy and not urllib.request.proxy_bypass(target.hostname):
        target = urllib.parse.urlsplit(proxy)
    place = target.hostname, target.port or (80 if target.scheme == "http" else 443)
    connected = threading.Event()

    def connect():
        try:
            socket.create_connection(place, timeout=_PATIENCE).close()
        except OSError:
            return
        connected.set()

    # In a thread, because looking up a name has no timeout of its own.
    attempt = threading.Thread(target=connect, daemon=True)
    attempt.start()
    attempt.join(_PATIENCE)
    return connected.is_set()
