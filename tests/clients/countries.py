"""What MaxMind's own reader says of their test files: addresses of each file and their countries, or that it cannot be read, as JSON.

    countries.py geoip2-4.8.0.tar.gz FOLDER NAME...
"""

import json
import sys
import tarfile
from pathlib import Path

import maxminddb

source, folder, *names = sys.argv[1:]


def addresses(reader):
    """The first and the last address of each network, and those beside them."""
    for network, _ in reader:
        first, last = network.network_address, network.broadcast_address
        for address in (first, last):
            yield address
        for number in (int(first) - 1, int(last) + 1):
            if 0 <= number < 2**network.max_prefixlen:
                yield type(first)(number)


def country(record):
    told = record.get("country") if isinstance(record, dict) else None
    return told.get("iso_code") if isinstance(told, dict) else None


def countries(path):
    try:
        with maxminddb.open_database(path) as reader:
            asked = sorted({str(address) for address in addresses(reader)})
            found = {address: country(reader.get(address)) for address in asked}
            return {"type": reader.metadata().database_type, "countries": found}
    except (maxminddb.InvalidDatabaseError, UnicodeDecodeError) as error:
        return {"damaged": str(error)}


said = {}
with tarfile.open(source) as archive:
    for name in names:
        path = Path(folder) / name
        (member,) = [each for each in archive.getmembers() if each.name.endswith(f"/test-data/{name}")]
        path.write_bytes(archive.extractfile(member).read())
        said[name] = countries(path)
print(json.dumps(said))
