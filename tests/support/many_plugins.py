# tests/support/many_plugins.py -- a larder.toml with many plugins, each of which ends the process that loads it.
import pathlib


def many_plugins(folder, library, count=50):
    """Writes copies of tests/abuse/many.c's library, a policy and a larder.toml that names all of them; the latter's path."""
    folder = pathlib.Path(folder)
    plugins = folder / "plugins"
    plugins.mkdir(mode=0o755)
    bytes_of_one = pathlib.Path(library).read_bytes()
    stores = ""
    for n in range(count):
        path = plugins / f"store_many_{n:02}.so"
        path.write_bytes(bytes_of_one.replace(b"many_00", b"many_%02d" % n).replace(b"many-00", b"many-%02d" % n))
        path.chmod(0o755)
        stores += f'[store.s{n:02}]\nplugin = "many_{n:02}"\n'
    (folder / "p.larder").write_text('larder 1\nnamespace item { key "{id}"; ttl 5m; tiers s00; static }\n', encoding="utf-8")
    conf = folder / "larder.toml"
    conf.write_text(f'policy = ["p.larder"]\n[plugins]\npath = ["{plugins}"]\n{stores}', encoding="utf-8")
    return conf
