"""What an operator does with the bucket: `make` one with the CORS rule that uploads out of pages need, and look whether it `holds` a file,
under its digest, for nobody without a key, and nothing of the upload besides."""

import hashlib
import sys
import urllib.error
import urllib.request

import boto3

BUCKET, PREFIX = "videos", "media/"
what, endpoint, *rest = sys.argv[1:]
s3 = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="streamgate", aws_secret_access_key="streamgate-secret")


def make():
    s3.create_bucket(Bucket=BUCKET)
    rule = {"AllowedMethods": ["PUT"], "AllowedOrigins": ["*"], "AllowedHeaders": ["*"], "ExposeHeaders": ["ETag"]}
    s3.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": [rule]})


def holds(path):
    data = open(path, "rb").read()
    digest = hashlib.sha256(data).hexdigest()
    keys = [found["Key"] for found in s3.list_objects_v2(Bucket=BUCKET, Prefix=PREFIX).get("Contents", [])]
    mine = [key for key in keys if key.replace("/", "").endswith(digest)]
    assert len(mine) == 1, (digest, keys)
    assert s3.get_object(Bucket=BUCKET, Key=mine[0])["Body"].read() == data
    assert not [key for key in keys if "/uploads/" in key], keys
    assert not s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads")
    try:
        urllib.request.urlopen(f"{endpoint}/{BUCKET}/{mine[0]}")
        raise AssertionError("anybody may read it")
    except urllib.error.HTTPError as refused:
        assert refused.code == 403, refused.code


{"make": make, "holds": holds}[what](*rest)
