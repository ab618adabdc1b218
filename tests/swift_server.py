"""A real S3 server for tests: OpenStack Swift with its S3 API, all of its parts in one process.

Run as `python -m tests.swift_server FOLDER PORT`. Objects are in memory, the rest in FOLDER. The
one user is ACCESS_KEY with SECRET_KEY; requests are signed (AWS signature 4), as at Amazon.
"""

import sys
from pathlib import Path
from typing import Any

ACCESS_KEY, SECRET_KEY = "test:tester", "testing-secret"
PROXY = """
[DEFAULT]
swift_dir = {folder}
log_level = ERROR

[pipeline:main]
pipeline = catch_errors cache s3api tempauth bulk slo proxy-server

[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
node_timeout = 30

[filter:catch_errors]
use = egg:swift#catch_errors

[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:1

[filter:s3api]
use = egg:swift#s3api
s3_acl = false
force_swift_request_proxy_log = false

[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = {secret} .admin

[filter:bulk]
use = egg:swift#bulk

[filter:slo]
use = egg:swift#slo
rate_limit_after_segment = 1000
"""


def serve(folder: Path, port: int) -> None:
    """Serve S3 on `port` until the process is ended."""
    import eventlet

    eventlet.monkey_patch()
    from eventlet import wsgi
    from swift.account.server import AccountController
    from swift.common import utils
    from swift.common.ring import RingBuilder
    from swift.common.wsgi import loadapp
    from swift.container.server import ContainerController
    from swift.obj.mem_server import ObjectController

    utils.HASH_PATH_SUFFIX = b"tests"
    (folder / "devices" / "disk").mkdir(parents=True)
    (folder / "swift.conf").write_text("[swift-hash]\nswift_hash_path_suffix = tests\n")
    settings = {
        "devices": str(folder / "devices"),
        "swift_dir": str(folder),
        "mount_check": "false",
        "log_level": "ERROR",
    }
    parts: dict[str, Any] = {
        "account": AccountController, "container": ContainerController, "object": ObjectController
    }  # fmt: skip
    threads = []
    for name, controller in parts.items():
        socket = eventlet.listen(("127.0.0.1", 0))
        ring = RingBuilder(1, 1, 1)
        ring.add_dev(
            {
                "id": 0, "weight": 1, "region": 1, "zone": 1, "device": "disk",
                "ip": "127.0.0.1", "port": socket.getsockname()[1],
            }
        )  # fmt: skip
        ring.rebalance()
        ring.get_ring().save(str(folder / f"{name}.ring.gz"))
        app = controller(settings)
        threads.append(eventlet.spawn(wsgi.server, socket, app, log_output=False))
    (folder / "proxy.conf").write_text(PROXY.format(folder=folder, secret=SECRET_KEY))
    proxy = loadapp(str(folder / "proxy.conf"), allow_modify_pipeline=False)
    wsgi.server(eventlet.listen(("127.0.0.1", port)), proxy, log_output=False)


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
