"""The broker's settings: its limits, how it fetches @contexts, and from which origins browsers may call."""

from __future__ import annotations

from dataclasses import dataclass

from rhinecloud.kernel.settings import setting


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """Section `[broker]` of `city.toml`."""

    base_url: str = setting(
        "", "Where clients reach the city, such as `https://city.example`; empty: as they called it"
    )
    max_body_bytes: int = setting(16 * 1024 * 1024, "Largest request body that is accepted", unit="bytes")
    max_batch: int = setting(10_000, "Most entities in one batch request")
    max_depth: int = setting(40, "Deepest nesting of a JSON body that is accepted")
    max_array: int = setting(50_000, "Longest array within a JSON body, except the list of a batch")
    max_attributes: int = setting(1_000, "Most attributes, types or scopes of one entity")
    max_query_length: int = setting(65_536, "Longest parameter or member of a query", unit="characters")
    max_query_parts: int = setting(1_000, "Most elements in a list of a query: ids, types, selectors, names")
    max_query_terms: int = setting(256, "Most terms of `q`; each value of a list counts")
    max_query_patterns: int = setting(16, "Most regular expressions in a query")
    max_query_links: int = setting(8, "Most relationships in a row that a term of `q` follows")
    max_query_positions: int = setting(2_000, "Most positions of the geometry of a query")
    max_query_s: float = setting(
        10.0, "Longest time for a query that has to look into entities; then it is given up", unit="s"
    )
    query_by_id: bool = setting(
        False,
        "Whether a query by `id` or `idPattern` alone is answered, which clause 5.7.2.4 calls too wide: Orion-LD's "
        "clients and FiLiP ask so",
    )
    default_limit: int = setting(20, "Entities on a page if the request has no `limit`")
    max_limit: int = setting(1_000, "Largest page that may be asked for")
    render_cache: int = setting(
        50_000, "Entities whose rendered documents are kept in memory; 0 turns the cache off"
    )
    default_context: str = setting(
        "", "URL of the @context for requests that bring none, instead of the core one alone"
    )
    context_timeout_s: float = setting(5.0, "How long a remote @context may take to arrive", unit="s")
    context_max_bytes: int = setting(1024 * 1024, "Largest remote @context that is accepted", unit="bytes")
    context_max_redirects: int = setting(3, "How many redirects a remote @context may take")
    context_fresh_s: int = setting(
        86_400, "How long a fetched @context is kept when its server does not say", unit="s"
    )
    context_retry_s: float = setting(
        1.0, "How long a failed fetch is remembered before it is tried again", unit="s"
    )
    allow_private_contexts: bool = setting(
        False, "Whether @contexts may be fetched from private and loopback addresses"
    )
    cors_origins: tuple[str, ...] = setting((), "Origins from which browsers may call; `*` allows all")
    source_alias: str = setting("rhinecloud", "The pseudonym of this city in Via headers and source identity")
