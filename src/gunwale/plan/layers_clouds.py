"""Clouds, CDNs and platforms: what each does to the forwarded fields. None of these rows was run by us."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gunwale.plan.layer import Certainty, row

if TYPE_CHECKING:
    from gunwale.plan.layer import Habits, Layer

_DOC, _SAID = Certainty.DOCUMENTED, Certainty.REPORTED
_DISPUTED, _NOWHERE = Certainty.DISPUTED, Certainty.UNDOCUMENTED
_AWS = "https://docs.aws.amazon.com"
_ALB = f"{_AWS}/elasticloadbalancing/latest/application/x-forwarded-headers.html"
_NLB = f"{_AWS}/elasticloadbalancing/latest/network/edit-target-group-attributes.html"
_CLOUDFRONT = f"{_AWS}/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html"
_HTTP_API = (
    "aliasunder/vault-cortex#484, pbojinov/request-ip#70 on GitHub; "
    f"{_AWS}/apigateway/latest/developerguide/http-api-quotas.html"
)
_GOOGLE = "https://cloud.google.com"
_AZURE = "https://learn.microsoft.com/azure"
_CLOUDFLARE = (
    "https://developers.cloudflare.com/fundamentals/reference/http-headers/; "
    "https://developers.cloudflare.com/fundamentals/reference/connection-limits"
)
_FASTLY = "https://fastly.com/documentation/reference/http/http-headers/X-Forwarded-For"
_HEROKU = (
    "https://devcenter.heroku.com/articles/http-routing#heroku-headers; "
    "https://github.com/heroku/roadmap/issues/238"
)

_ALB_IS: Final[Habits] = {"idle_timeout": 60.0, "response_timeout": 60.0, "drops_underscores": False}
_HEROKU_IS: Final[Habits] = {"response_timeout": 30.0}
_LIKELY = "by analogy only: the vendor does not say what it does to the fields"

# fmt: off
CLOUDS: tuple[Layer, ...] = (
    #                                    for  proto host port prefix forwarded real-ip request-id
    row("alb",                          "A    O     P    O    P      P         P       P", _DOC, _ALB,
        setting="xff_header_processing.mode = append (the default)",
        note="set drop_invalid_header_fields.enabled: else X_Forwarded_For passes", like=_ALB_IS),
    row("alb-preserve",                 "P    O     P    O    P      P         P       P", _DOC, _ALB,
        setting="xff_header_processing.mode = preserve", like=_ALB_IS),
    row("alb-remove",                   "D    O     P    O    P      P         P       P", _DOC, _ALB,
        setting="xff_header_processing.mode = remove", like=_ALB_IS),
    row("alb-client-port",              "A    O     P    O    P      P         P       P", _DOC, _ALB,
        setting="xff_client_port.enabled", note="writes address:port, which ProxyFix leaves in",
        like=_ALB_IS),
    row("nlb",                          "P    P     P    P    P      P         P       P", _DOC, _NLB,
        setting="client addresses preserved (instance targets)", is_transparent=True, buffers=False,
        note="a TLS listener tells nobody of the scheme"),
    row("nlb-ip-targets",               "P    P     P    P    P      P         P       P", _DOC, _NLB,
        setting="client addresses not preserved (ip targets, Fargate)", buffers=False, passes_connection=True,
        note="turn proxy_protocol_v2 on, and the client's address is known again"),
    row("nlb-proxy-protocol",           "P    P     P    P    P      P         P       P", _DOC, _NLB,
        setting="proxy_protocol_v2.enabled, and what follows it speaks PROXY", is_transparent=True,
        buffers=False, note='for Gunicorn: proxy_protocol = "v2" and proxy_allow_ips'),
    row("cloudfront",                   "A    D     P    P    P      P         D       P", _DOC, _CLOUDFRONT,
        setting="custom origin", keeps_host=False, idle_timeout=5.0, response_timeout=30.0,
        note="close the origin to everything else: prefix list and a secret field"),
    row("api-gateway-http",             "D    P     P    P    P      A         P       P", _SAID, _HTTP_API,
        setting="HTTP API with a VPC link", response_timeout=30.0, max_body=10_000_000, buffers=True,
        note="the client is in Forwarded only; what follows it sees the VPC link; the stage is in the path"),
    row("api-gateway-rest",             "?    ?     ?    ?    P      P         P       P", _NOWHERE,
        "fireprox#39, stac-server#130 on GitHub",
        setting="REST API, proxy integration", response_timeout=29.0, max_body=10_000_000, buffers=True,
        disputed="undocumented; an edge-optimised API has a CloudFront of its own in front"),
    row("app-runner",                   "?    ?     ?    ?    P      P         P       O", _NOWHERE,
        "apprunner-roadmap#52, #124 on GitHub",
        disputed="undocumented; reports only say that the fields are set"),
    row("beanstalk",                    "A    P     P    P    P      P         O       P", _SAID,
        "the nginx configuration that users show",
        setting="the nginx of an Elastic Beanstalk instance; its load balancer is a layer of its own",
        idle_timeout=60.0, response_timeout=60.0, buffers=True, drops_underscores=True,
        note="a single instance has nothing in front: then the scheme is the client's to choose"),
    row("lightsail",                    "?    ?     P    ?    P      P         P       P", _NOWHERE,
        "none found", disputed=_LIKELY),
    row("google-lb",                    "A2   O     P    P    P      P         P       P", _DOC,
        f"{_GOOGLE}/load-balancing/docs/https#x-forwarded-for_header",
        setting="external Application Load Balancer, GKE Ingress", idle_timeout=600.0, response_timeout=30.0),
    row("cloud-run",                    "?    O     P    P    P      ?         P       P", _DISPUTED,
        "hypercorn#232, esp-v2#318 on GitHub",
        disputed="reports differ on whether X-Forwarded-For is overwritten, or gets one value, or two"),
    row("app-engine",                   "?    O     ?    P    P      P         P       P", _NOWHERE,
        f"{_GOOGLE}/appengine/docs/standard/reference/request-headers",
        disputed="a list of addresses, the documentation does not say which of them it wrote",
        note="X-Appengine-User-IP is stripped from clients"),
    row("azure-app-service",            "A    O     P    P    P      P         P       P", _SAID,
        "django-allauth#4230, healthchecks#714 on GitHub",
        note="writes address:port; ProxyFix leaves the port in"),
    row("azure-app-gateway",            "A    O     P    O    P      P         P       P", _DOC,
        f"{_AZURE}/application-gateway/how-application-gateway-works#modifications-to-the-request",
        note="writes address:port; where its backend setting overrides Host, write the layer out"),
    row("azure-front-door",             "A    O     O    P    P      P         P       P", _DOC,
        f"{_AZURE}/frontdoor/front-door-http-headers-protocol", keeps_host=False,
        note="lock the origin to X-Azure-FDID; X-Azure-ClientIP is the client's to influence"),
    row("heroku",                       "A    O     P    O    P      P         P       N", _DOC, _HEROKU,
        setting="Router 2.0", like=_HEROKU_IS),
    row("heroku-legacy",                "P    O     P    O    P      P         P       N", _SAID, _HEROKU,
        setting="the legacy router", note="appends to the first line: a client who sends two forges it",
        like=_HEROKU_IS),
    row("fly",                          "A2   O     P    P    P      P         P       P", _DOC,
        "https://fly.io/docs/networking/request-headers/", note="X-Forwarded-Port is the client's to set"),
    row("render",                       "A2   O     P    P    P      P         P       P", _SAID,
        "https://rohitpaulk.com/articles/render-rails-remote-ip",
        note="Cloudflare's value, then Render's own"),
    row("railway",                      "?    O     O    P    P      P         O       P", _NOWHERE,
        "https://docs.railway.com/reference/public-networking",
        disputed="its documentation no longer tells of X-Forwarded-For"),
    row("do-app-platform",              "?    O     P    P    P      P         P       P", _DISPUTED,
        "firewall-node#696, fingerprintjs#241 on GitHub",
        setting="DigitalOcean App Platform",
        disputed="reports differ on whether X-Forwarded-For has the client or only the ingress"),
    row("cloudflare",                   "A    O     P    P    P      P         D       P", _DOC, _CLOUDFLARE,
        idle_timeout=900.0, response_timeout=120.0,
        note="True-Client-IP is the client's to choose unless its transform is on"),
    row("fastly",                       "?    P     ?    P    P      P         P       P", _DISPUTED, _FASTLY,
        disputed="appends on TLS connections only, and once more with shielding",
        note="where http is closed at the edge: fastly-tls"),
    row("fastly-tls",                   "A    P     A    P    P      P         P       P", _DOC, _FASTLY,
        setting="no service answers on http, no shielding", note="Fastly-Client-IP passes a client's value"),
)
# fmt: on
