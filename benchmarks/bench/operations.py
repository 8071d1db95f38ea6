"""An operation of a target, as the load that wrk sends, and its measurement."""

import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.bench import seeding, wrk
from benchmarks.bench.plan import CONNECTIONS, HERD, NEW_TOKENS, WATCHERS, WRITERS, Plan
from benchmarks.bench.processes import Server
from benchmarks.bench.seeding import Seeds
from benchmarks.bench.targets import Op, Target
from benchmarks.bench.wrk import Load, Sample

# The limits get the request that Gatepost gets, and ignore the token: reading half a KiB of a head verifies nothing.
UNREAD_TOKEN = "Authorization: Bearer " + "x" * 540
# More than a run of a second sends, and than a worker remembers.
NEW_TOKENS_A_RUN = 5_000
starts = itertools.count()
# The herd has to be there before its effect is measured.
HEAD_START_SECONDS = 1


@dataclass(frozen=True)
class Scene:
    """A target that runs, with all that its operations need."""

    target: Target
    server: Server
    seeds: Seeds | None
    database_url: str
    env: Mapping[str, str]
    folder: Path


def run(op: Op, scene: Scene, plan: Plan, *, warm: bool = True) -> Sample:
    """Measure one operation once; with `warm=False` the caller has warmed the server up."""
    if op is Op.HERD:
        return _in_a_herd(scene, plan)
    load = _load(op, scene, plan)
    if not warm:
        load = replace(load, warm=False)
    match op:
        case Op.SIGN_IN | Op.SIGN_UP:
            seconds, connections = plan.password_seconds, WRITERS
        case Op.REFRESH | Op.SIGN_OUT:
            seconds, connections = plan.write_seconds, WRITERS
        case _:
            seconds, connections = plan.read_seconds, CONNECTIONS
    return wrk.measure(scene.server, load, seconds=seconds, connections=connections)


def _load(op: Op, scene: Scene, plan: Plan) -> Load:
    api = scene.target.api
    seeds = scene.seeds
    if seeds is None:
        return Load(api.user, headers=(UNREAD_TOKEN,))
    match op:
        case Op.PUBLIC:
            return Load(api.public)
        case Op.VERIFIED:
            return Load(api.user, headers=(seeds.access,))
        case Op.ROLE:
            return Load(api.admin, headers=(seeds.admin,))
        case Op.JWKS:
            return Load(api.jwks)
        case Op.NEW_TOKEN:
            return _new_tokens(scene)
        case Op.SIGN_IN:
            return _sign_in(scene, seeds)
        case Op.SIGN_UP:
            bodies = str(seeding.new_accounts(api, scene.folder))
            return Load(api.sign_up, "POST", script="lines", arguments=(bodies, "body", "once"), warm=False)
        case Op.REFRESH:
            arguments = (str(seeds.refresh), api.refresh_sent, api.refresh)
            return Load(api.refreshing, "POST", script="refresh", arguments=arguments, warm=False)
        case _:
            return _sign_out(scene, seeds, count=plan.sign_outs)


def _new_tokens(scene: Scene) -> Load:
    tokens = scene.folder / f"access-{scene.target.name}.txt"
    if not tokens.exists():  # they are good for the next round, too
        seeding.mint(scene.env, scene.folder, access=NEW_TOKENS, refresh=1)
        (scene.folder / "access.txt").rename(tokens)
    # Those that were sent last are not sent first, and not warmed up with.
    start = str(next(starts) * NEW_TOKENS_A_RUN % NEW_TOKENS)
    arguments = (str(tokens), "Authorization", "again", start)
    return Load(scene.target.api.user, script="lines", arguments=arguments, warm=False)


def _sign_in(scene: Scene, seeds: Seeds) -> Load:
    api = scene.target.api
    arguments = (str(seeds.credentials), "body", "again")
    return Load(api.sign_in, "POST", (api.sign_in_type,), "lines", arguments, warm=False)


def _sign_out(scene: Scene, seeds: Seeds, *, count: int) -> Load:
    api = scene.target.api
    if scene.target.name == "fastapi-users":  # it keeps nothing that would end
        return Load(api.sign_out, "POST", headers=(seeds.access,))
    tokens = seeding.sign_outs(scene.target, scene.database_url, scene.env, scene.folder, count=count)
    where = "body" if api.sign_out_body else "Authorization"
    return Load(api.sign_out, "POST", script="lines", arguments=(str(tokens), where, "once"), warm=False)


def _in_a_herd(scene: Scene, plan: Plan) -> Sample:
    """Measure verified GET while 64 people sign in again and again."""
    seeds = scene.seeds
    if seeds is None:
        raise ValueError(scene.target.name)
    seconds = plan.herd_seconds + 2 * HEAD_START_SECONDS
    herd = wrk.start(scene.server, _sign_in(scene, seeds), seconds=seconds, connections=HERD)
    try:
        time.sleep(HEAD_START_SECONDS)
        load = Load(scene.target.api.user, headers=(seeds.access,), warm=False)
        try:
            return wrk.measure(scene.server, load, seconds=plan.herd_seconds, connections=WATCHERS)
        except wrk.NothingAnsweredError:
            at_least = plan.herd_seconds * 1000.0
            return Sample(0.0, at_least, at_least, 0.0, 0.0, 0, scene.server.rss_mib())
    finally:
        wrk.result_of(herd, seconds=seconds)
