# Boxoffice: nginx and PostgreSQL that sell tickets. `make help` lists the targets.

# Neither make nor nginx's own build can do with it.
$(if $(word 2,$(CURDIR)),$(error boxoffice can't be built in a path with a blank: $(CURDIR)))

PG_CONFIG ?= /usr/lib/postgresql/15/bin/pg_config

# What a caller may set; conf/settings has the defaults, and what was set for `make run` is remembered. Only what is
# set is exported: to a server an empty PGPORT is a wrong one.
settings = PREFIX HOST PORT PGPORT WORKERS POOL PG_CONFIG NGINX_BIN ROLE SUB ORG ALG TTL TESTS \
	BOXOFFICE_CFLAGS BOXOFFICE_LDFLAGS
$(foreach name,$(settings),$(if $($(name)),$(eval export $(name))))

CONTRACT = $(wildcard sql/*/api.yaml) $(wildcard sql/contract/*) pg_extension/errcodes.txt

all: extension module

help:
	@sed -n 's/^#: //p' $(firstword $(MAKEFILE_LIST))

#: make run          install what is missing, build, start the site on http://127.0.0.1:8080, say how to buy a ticket
#: make stop         stop it; data stay in var/
#: make check        every test
#: make bench        measure against plain PostgreSQL, plain nginx and a Fastify service; ARGS=--quick, --list, …
#: make onsale       sell a festival out, live in the terminal
#: make token        ROLE=organizer [SUB=…] [ORG=…] [ALG=ES256] [TTL=…]: a token and nothing else
#: make dsn          the owner's connection string of the embedded database and nothing else
#: make deploy       DSN=…: deploy the SQL to a server of your own (make install there first)
#: make install      install the extension and the nginx module into this system
#: make clean        remove what the build made; make wipe also removes var/ and its data
#:
#: Variables: HOST=127.0.0.1 PORT=8080 PREFIX=var PGPORT=5432 WORKERS=<cores> POOL=8 DESTDIR=

# The generated sources, the binder's and nginx's tables and openapi.json come from one contract.
build/contract: $(CONTRACT)
	@mkdir -p build
	sql/contract/generate
	@touch $@

extension: build/contract
	@$(MAKE) -C pg_extension with_llvm=no

module: build/contract
	@$(MAKE) -C nginx_module

packages:
	@conf/install-packages run

run: packages
	@test -f pg_extension/boxoffice.so || echo 'boxoffice: building'
	@$(MAKE) -s all
	@conf/run

stop:
	@conf/stop

token:
	@conf/token

dsn:
	@conf/dsn

deploy:
	@test -n "$(DSN)" || { echo 'usage: make deploy DSN="host=… dbname=… user=…"' >&2; exit 1; }
	@sql/deploy "$(DSN)"

install: all
	$(MAKE) -C pg_extension install with_llvm=no
	$(MAKE) -C nginx_module install

clean:
	$(MAKE) -C pg_extension clean with_llvm=no
	$(MAKE) -C nginx_module clean
	rm -rf build

wipe: clean
	@conf/wipe

check:
	@conf/install-packages run check
	@$(MAKE) -s all
	@tests/check

bench onsale:
	@conf/install-packages run check bench
	@$(MAKE) -s all
	@tests/bench/$@ $(ARGS)

.PHONY: all help extension module packages run stop token dsn deploy install clean wipe check bench onsale
