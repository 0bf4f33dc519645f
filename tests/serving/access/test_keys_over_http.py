"""A server with keys, and one that encrypts its connections."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.serving.bundles import ROW, make_bundle
from tests.serving.running import Running, serving, until

from mlforge.errors import RecipeError
from mlforge.service.access import Access, Tls
from mlforge.service.limits import Limits
from mlforge.serving.access.keys import KeyFile
from mlforge.serving.access.listening import granian_options

BODY = {"rows": [ROW | {"the plan": None}]}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("served")
    make_bundle(root / "people")
    return root


@pytest.fixture(scope="module")
def keys(root: Path) -> KeyFile:
    """In the project's own place, where a server looks by itself."""
    return KeyFile(root / ".mlforge" / "keys.json")


@pytest.fixture(scope="module")
def tokens(keys: KeyFile) -> dict[str, str]:
    return {scope: keys.add(scope, (scope,))[1] for scope in ("predict", "feedback", "metrics", "admin")}


@pytest.fixture(scope="module")
def server(root: Path, tokens: dict[str, str]) -> Iterator[Running]:
    with serving(root / "people", "--workers", "2", "--log", root / "log", "serve.access.open_metrics=false", cwd=root) as running:
        yield running


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_it_says_that_keys_are_needed(server: Running, keys: KeyFile) -> None:
    assert f"keys {keys.path}" in server.said[1]


@pytest.mark.parametrize(
    ("path", "body", "scope"),
    [("/predict", BODY, "predict"), ("/models", None, "predict"), ("/feedback", {"id": "a", "label": "yes"}, "feedback"), ("/metrics", None, "metrics")],
)
def test_each_route_opens_to_its_scope_and_to_no_other(server: Running, tokens: dict[str, str], path: str, body: object, scope: str) -> None:
    status, told, headers = server.ask(path, body)
    assert (status, headers["www-authenticate"]) == (401, "Bearer")
    assert told["error"].startswith("a key is needed")
    for name, token in tokens.items():
        status, told, _ = server.ask(path, body, headers=bearer(token))
        assert (status < 300) == (name == scope), (name, status, told)
        if name != scope:
            assert status == 403
            assert told["error"] == f"the key {name} is for {name}; this needs {scope}"
    assert server.ask(path, body, headers={"x-api-key": tokens[scope]})[0] < 300


def test_health_needs_no_key(server: Running) -> None:
    assert server.ask("/health/live")[0] == 200
    assert server.ask("/health/ready")[0] == 200


def test_every_route_but_the_open_ones_asks_for_a_key(server: Running) -> None:
    open_paths = set()
    for path in ("/", "/docs", "/openapi.json", "/models", "/metrics", "/v2", "/v2/models/people", "/v2/health/ready", "/explain", "/admin", "/admin/models"):
        status, _, _ = server.ask(path)
        assert status in (200, 401, 404, 405)
        if status == 200:
            open_paths.add(path)
    assert open_paths <= {"/", "/docs", "/openapi.json", "/v2", "/v2/health/ready"}  # what the server is, and no figure of anybody


def test_a_body_is_not_read_for_who_has_no_key(server: Running) -> None:
    from tests.serving.access.hostile import head, raw

    status, _ = raw(server.port, head("/predict", "Content-Length: 1000000"))
    assert status == 401


def test_a_revoked_key_closes_and_a_new_one_opens_without_a_restart(server: Running, keys: KeyFile) -> None:
    _, token = keys.add("passing", ("predict",))
    until(lambda: server.ask("/predict", BODY, headers=bearer(token))[0] == 200, 5)
    keys.revoke("passing")
    until(lambda: server.ask("/predict", BODY, headers=bearer(token))[0] == 401, 5)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate for this machine, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    try:
        done = subprocess.run([*command.split(), "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    assert done.returncode == 0, done.stderr
    return folder


def test_connections_are_encrypted_and_nothing_is_answered_in_the_clear(root: Path, certificate: Path, tokens: dict[str, str]) -> None:
    given = ("--tls-certificate", certificate / "cert.pem", "--tls-key", certificate / "key.pem", "--host", "0.0.0.0")
    with serving(root / "people", "--workers", "1", *given, cwd=root) as running:
        assert running.url.startswith("https://")
        assert running.sidecar("mlforge-heir") is None, "nobody could answer in a worker's place"
        url = f"https://127.0.0.1:{running.port}/predict"
        request = urllib.request.Request(url, json.dumps(BODY).encode(), {"content-type": "application/json", **bearer(tokens["predict"])})
        context = ssl.create_default_context(cafile=str(certificate / "cert.pem"))
        with urllib.request.urlopen(request, timeout=30, context=context) as answer:
            assert json.loads(answer.read())["predictions"][0]["prediction"] == "yes"
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            urllib.request.urlopen(request, timeout=30, context=ssl.create_default_context())
        from tests.serving.access.hostile import head, raw

        assert raw(running.port, head("/health/live", method="GET"))[0] in (0, 400)
        old = ssl.create_default_context(cafile=str(certificate / "cert.pem"))
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with urllib.request.urlopen(request, timeout=30, context=old) as answer:
            assert answer.status == 200


def refused(root: Path, *arguments: str | Path) -> tuple[int, str]:
    command = [sys.executable, "-P", "-c", "from mlforge.cli import main; main()", "serve", str(root / "people"), "--port", "0", *map(str, arguments)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_other_machines_do_not_reach_a_server_in_the_clear(root: Path, tokens: dict[str, str], host: str) -> None:
    code, told = refused(root, "--host", host)
    assert code == 2
    assert f"serve.host {host}: other machines would reach this server, and connections would be plain (no TLS)" in told
    assert "--insecure" in told


def test_files_that_are_no_certificate_and_key_are_told_before_anything_listens(root: Path, certificate: Path) -> None:
    (root / "nonsense.pem").write_text("nonsense")
    code, told = refused(root, "--tls-certificate", certificate / "cert.pem", "--tls-key", root / "nonsense.pem")
    assert code == 2
    assert "do not go together" in told
    code, told = refused(root, "--tls-certificate", certificate / "cert.pem")
    assert code == 2
    assert "belong together" in told
    code, told = refused(root, "--keys", root / "nonsense.pem")
    assert code == 2
    assert "is no file of keys" in told
    assert "Traceback" not in told


def test_a_certificate_that_is_not_valid_today_is_told_before_anything_listens(tmp_path: Path) -> None:
    """Every client would refuse it, and the server would say nothing of that."""
    pytest.importorskip("cryptography")
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    plain = serialization.NoEncryption()
    (tmp_path / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    tls = Tls(certificate=str(tmp_path / "cert.pem"), key=str(tmp_path / "key.pem"))
    today = datetime.now(UTC)
    for since, end, says in ((-9, -1, "expired"), (1, 9, "not yet valid"), (-1, 1, "")):
        made = builder.not_valid_before(today + timedelta(days=since)).not_valid_after(today + timedelta(days=end)).sign(key, hashes.SHA256())
        (tmp_path / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
        with pytest.raises(RecipeError, match=f"cert.pem: certificate .*{says}") if says else nullcontext():
            granian_options(Access(tls=tls), Limits())
