#!/bin/sh
# examples/nginx/build.sh -- builds ngx_http_larder_module.so for the nginx that is installed.
#
#     build.sh FOLDER [INCLUDE LIB]
#
# FOLDER takes everything that is made; INCLUDE holds larder/larder.h and LIB liblarder.so, by default where
# pkg-config finds larder. Needs nginx-dev. A module fits one version of nginx: build it again after an upgrade.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
nginx_source=${NGINX_SOURCE:-/usr/share/nginx/src}
mkdir -p "$1"
out=$(cd "$1" && pwd)
LARDER_INCLUDE=${2:-$(pkg-config --variable=includedir larder)}
LARDER_LIB=${3:-$(pkg-config --variable=libdir larder)}
export LARDER_INCLUDE LARDER_LIB
[ -f "$nginx_source/conf_flags" ] || { echo "build.sh: no nginx-dev in $nginx_source" >&2; exit 1; }

# nginx' configure writes a Makefile where it stands, which should not be under /usr.
if [ ! -f "$out/objs/Makefile" ] || [ "$here/config" -nt "$out/objs/Makefile" ] ||
    [ "$nginx_source/conf_flags" -nt "$out/objs/Makefile" ]; then
    rm -rf "$out/source" "$out/objs"
    cp -r "$nginx_source" "$out/source"
    cd "$out/source"
    # conf_flags is a bash array.
    bash -c '. ./conf_flags && exec ./configure "${NGX_CONF_FLAGS[@]}" \
        --with-cc-opt="-O2 -g -fPIC -fstack-protector-strong -D_FORTIFY_SOURCE=2" \
        --add-dynamic-module="$0" --builddir="$1"' "$here" "$out/objs" >"$out/configure.log" 2>&1 ||
        { tail -20 "$out/configure.log" >&2; exit 1; }
fi
cd "$out/source"
make -s -f "$out/objs/Makefile" modules
cp "$out/objs/ngx_http_larder_module.so" "$out/ngx_http_larder_module.so"
