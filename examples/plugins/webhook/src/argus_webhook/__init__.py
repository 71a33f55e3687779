"""Signed webhooks as a medium of Argus, as https://www.standardwebhooks.com describes them."""

from argus_webhook.medium import Webhook

__all__ = ["Webhook"]
