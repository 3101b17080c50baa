#!/bin/sh
# Builds the libraries whose Debian archives want Kerberos, GnuTLS or LDAP, for which there are no
# static ones: librdkafka, libpq, libcurl and libmicrohttpd, from Debian's own sources of the same
# versions, with OpenSSL only.
#
#     static-libraries.sh PREFIX
set -eu

prefix=$1
work=$(mktemp -d)
sed -i 's/^Types: deb$/Types: deb deb-src/' /etc/apt/sources.list.d/*.sources 2>/dev/null || true
sed -n 's/^deb /deb-src /p' /etc/apt/sources.list >/etc/apt/sources.list.d/sources.list 2>/dev/null || true
apt-get update
apt-get install -y --no-install-recommends dpkg-dev bison flex perl libnghttp2-dev autoconf automake libtool

cd "$work"
apt-get source librdkafka postgresql-15 curl libmicrohttpd
jobs=$(nproc)
export CFLAGS=-O2

(
    cd librdkafka-*/
    ./configure --prefix="$prefix" --enable-static --disable-gssapi --disable-curl --disable-lz4-ext
    make -j"$jobs" libs
    make install-subdirs SUBDIRS=src || make -C src install
)
(
    cd postgresql-*/
    ./configure --prefix="$prefix" --without-readline --without-gssapi --without-ldap --without-icu --with-ssl=openssl
    make -C src/backend generated-headers
    make -j"$jobs" -C src/common
    make -j"$jobs" -C src/port
    make -j"$jobs" -C src/interfaces/libpq all-static-lib
    make -C src/include install
    make -C src/interfaces/libpq install-lib-static install-lib-pc
    cp src/interfaces/libpq/libpq-fe.h src/interfaces/libpq/libpq-events.h "$prefix/include/"
    cp src/common/libpgcommon.a src/port/libpgport.a "$prefix/lib/"
)
(
    cd curl-*/
    autoreconf -fi
    ./configure --prefix="$prefix" --disable-shared --with-openssl --with-nghttp2 --disable-ldap --without-libpsl \
        --without-libidn2 --without-brotli --without-zstd --without-librtmp --without-libssh2 --without-gssapi
    make -j"$jobs" -C lib
    make -C lib install
    make -C include install
    make install-pkgconfigDATA
)
(
    cd libmicrohttpd-*/
    ./configure --prefix="$prefix" --disable-shared --enable-static --disable-https --disable-doc --disable-examples
    make -j"$jobs"
    make install
)
# Debian's patches call curl's archive after NSS.
mv "$prefix/lib/libcurl-nss.a" "$prefix/lib/libcurl.a"
rm -f "$prefix"/lib/*.so* "$prefix"/lib/*.la
rm -rf "$work"
apt-get clean
rm -rf /var/lib/apt/lists/*
