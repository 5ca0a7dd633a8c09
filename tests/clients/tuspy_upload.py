"""Uploads a file with tuspy in pieces, ends midway, and resumes as a new process would. Prints the name of the asset."""

import sys
import urllib.request

from tusclient import client

url, key, path = sys.argv[1:4]
auth = {"Authorization": f"Bearer {key}"}
tus = client.TusClient(f"{url}/api/v1/upload/tus", headers=auth)
begun = tus.uploader(path, chunk_size=1 << 20, metadata={"filename": "tuspy.mp4"}, upload_checksum=True)
begun.upload_chunk()
again = tus.uploader(path, chunk_size=1 << 20, url=begun.url, upload_checksum=True)
assert again.offset == 1 << 20, again.offset
again.upload()
request = urllib.request.Request(begun.url, method="HEAD", headers={**auth, "Tus-Resumable": "1.0.0"})
print(urllib.request.urlopen(request).headers["StreamGate-Asset"])
