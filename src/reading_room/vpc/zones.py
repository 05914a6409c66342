"""The availability zones of a region: their names and ids."""

from __future__ import annotations

from dataclasses import dataclass

from reading_room.vpc.errors import InvalidParameterCombination, UnknownZone

_DIRECTIONS = {
    "east": "e",
    "west": "w",
    "north": "n",
    "south": "s",
    "central": "c",
    "northeast": "ne",
    "southeast": "se",
    "northwest": "nw",
    "southwest": "sw",
}


@dataclass(frozen=True, slots=True)
class Zone:
    """An availability zone, for example ``us-east-1a`` with the id ``use1-az1``."""

    name: str
    zone_id: str


def zones_of(region: str) -> tuple[Zone, ...]:
    """Return the zones of a region: six in us-east-1, as in AWS, and three elsewhere."""
    letters = "abcdef" if region == "us-east-1" else "abc"
    area, *directions, number = region.split("-")
    short = area + "".join(_DIRECTIONS.get(part, part[:1]) for part in directions) + number
    return tuple(Zone(region + letter, f"{short}-az{place}") for place, letter in enumerate(letters, start=1))


def choose(region: str, name: str | None, zone_id: str | None) -> Zone:
    """Return the zone that a CreateSubnet request names, by default the region's first one.

    Raises ``UnknownZone``, and ``InvalidParameterCombination`` if name and id are of different zones.
    """
    zones = zones_of(region)
    if name is None and zone_id is None:
        return zones[0]
    for zone in zones:
        if name in (None, zone.name) and zone_id in (None, zone.zone_id):
            return zone
    if name is not None and zone_id is not None:
        raise InvalidParameterCombination(f"{name} and {zone_id} are not one availability zone")
    raise UnknownZone(str(name or zone_id), tuple(zone.name for zone in zones))
