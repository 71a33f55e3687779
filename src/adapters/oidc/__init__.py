"""OpenID Connect: identity providers behind the port of the core. `config` says how one is described, `provider` speaks to it."""
