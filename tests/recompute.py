#!/usr/bin/env python3
"""Recomputes a history from its leaves, with nothing of the program that wrote it, and says what does not fit.

usage: recompute.py HISTORY KEYS KEY_FILE [HEAD_STORE]

HISTORY and KEYS are databases: sqlite:FILE, or a URL for psql, which takes the password from PGPASSWORD. KEY_FILE is
the key-encryption key, HEAD_STORE the newest note. One line for each violation; ends with 0 if there is none, else 1.
Needs Python alone, psql for PostgreSQL, and openssl, in whose arguments keys stand: it is for histories of tests.
"""
import base64, collections, datetime, functools, hashlib, itertools, json, re, sqlite3, subprocess, sys

# `#` are bytes, `~` is text of several lines, `@` is a handle; all of them come as hex.
HEX = {"#": "encode(%s, 'hex')", "~": "encode(convert_to(%s, 'UTF8'), 'hex')", "@": "encode(uuid_send(%s), 'hex')"}
HISTORY = {
    "topics": "id, name FROM topics",
    "entries": "seq, topic, source_partition, source_offset, at, #leaf_hash, #leaf FROM entries ORDER BY seq",
    "bodies": "b.seq, @b.subject, CASE WHEN t.name = '' THEN #b.sealed ELSE '' END FROM bodies b LEFT JOIN entries e "
    "ON e.seq = b.seq LEFT JOIN topics t ON t.id = e.topic ORDER BY b.seq",
    "head": "size, #root FROM head",
    "offsets": "topic, source_partition, next FROM source_offsets",
    "tiles": "level, idx, #data FROM tiles",
    "checkpoints": "size, #root, ~note FROM checkpoints ORDER BY size",
}
violations = []
check = lambda fits, what: violations.extend([] if fits else [what])
sha256 = lambda *parts: hashlib.sha256(b"".join(parts)).digest()


def read(url, tables):
    """The rows of all tables as they were at one moment."""
    form = lambda found: ("lower(hex(%s))" if url.startswith("sqlite:") else HEX[found[1]]) % found[2]
    asked = {name: re.sub(r"([#~@])([\w.]+)", form, sql) for name, sql in tables.items()}
    if url.startswith("sqlite:"):
        database = sqlite3.connect(f"file:{url[7:]}?mode=ro", uri=True, isolation_level=None)
        database.execute("BEGIN")
        return {name: database.execute("SELECT " + sql).fetchall() for name, sql in asked.items()}
    script = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\n"
    script += "".join(f"SELECT '{name}', {sql};\n" for name, sql in asked.items())
    psql, rows = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", url], {name: [] for name in tables}
    said = subprocess.run(psql, input=script, text=True, stdout=subprocess.PIPE, check=True).stdout
    for name, *row in (line.split("|") for line in said.splitlines()):
        rows[name].append([int(field) if re.fullmatch(r"\d{1,18}", field) else field for field in row])
    return rows


def fold(stack, leaf):
    """Adds a leaf to the roots of full subtrees, the largest first (RFC 6962, 2.1)."""
    stack.append((1, leaf))
    while len(stack) > 1 and stack[-2][0] == stack[-1][0]:
        (size, left), (_, right) = stack[-2:]
        stack[-2:] = [(2 * size, sha256(b"\1", left, right))]
    return stack


def root(stack):
    whole = stack[-1][1] if stack else sha256()
    for _, left in reversed(stack[:-1]):
        whole = sha256(b"\1", left, whole)
    return whole.hex()


def opened(key, sealed):
    """Decrypts AES-256-GCM without looking at the tags: that a text is the right one its commitment says."""
    counters = [one[:12] + (2 + at // 16).to_bytes(4, "big") for one in sealed for at in range(0, len(one) - 28, 16)]
    openssl = ["openssl", "enc", "-aes-256-ecb", "-nopad", "-K", key.hex()]
    stream = subprocess.run(openssl, input=b"".join(counters), stdout=subprocess.PIPE, check=True).stdout
    starts = [0, *itertools.accumulate((len(one) - 13) // 16 * 16 for one in sealed)]
    return [bytes(a ^ b for a, b in zip(one[12:-16], stream[at:])) for one, at in zip(sealed, starts)]


def check_tree(rows, signed):
    """Leaves, root, tiles and what was signed: sizes, roots and notes."""
    names, hashes, stack, roots, before = dict(rows["topics"]), [], [], {0: root([])}, ""
    (size, head_root), wanted = rows["head"][0], {one[0] for one in signed}
    for at, (seq, topic, partition, offset, millis, leaf_hash, leaf) in enumerate(rows["entries"]):
        says, time = json.loads(bytes.fromhex(leaf)), datetime.timedelta(milliseconds=millis)
        time = (datetime.datetime(1970, 1, 1) + time).isoformat(timespec="milliseconds") + "Z"
        hashes.append(sha256(b"\0", bytes.fromhex(leaf)))
        check(seq == at, f"entry {at} is not there: {seq} is in its place")
        check(says["o"] == [names.get(topic), partition, offset], f"leaf {seq} says that it stands elsewhere")
        check(before <= says["t"] == time, f"leaf {seq} says another time, or is older than the one before")
        check(hashes[-1].hex() == leaf_hash, f"leaf {seq} has another hash")
        before, stack = time, fold(stack, hashes[-1])
        roots |= {at + 1: root(stack)} if at + 1 in wanted else {}
    bodies, places = [row[0] for row in rows["bodies"]], collections.Counter(tuple(row[1:4]) for row in rows["entries"])
    check(bodies == [*range(len(hashes))], f"{len(bodies)} bodies are not one for each of {len(hashes)} leaves")
    check(size == len(hashes), f"the head counts {size} entries, there are {len(hashes)}")
    check(head_root == root(stack), "the head has another root than its leaves")
    violations.extend(f"the source position {place} stands twice" for place, times in places.items() if times > 1)
    for at, digest, note in signed:
        check(at <= size, f"a checkpoint over {at} entries is ahead of the head, {size}")
        fits = note.split("\n")[1:3] == [str(at), base64.b64encode(bytes.fromhex(digest)).decode()]
        check(fits and roots.get(at) == digest, f"the checkpoint over {at} entries has another root")
    tiles, level, expected = {(level, at): data for level, at, data in rows["tiles"]}, 0, {}
    while hashes:
        chunks = [hashes[at : at + 256] for at in range(0, len(hashes), 256)]
        expected |= {(level, at): b"".join(chunk).hex() for at, chunk in enumerate(chunks)}
        hashes, level = [functools.reduce(fold, one, [])[0][1] for one in chunks if len(one) == 256], level + 1
    wrong = (tile for tile in sorted({*tiles, *expected}) if tiles.get(tile) != expected.get(tile))
    violations.extend(f"tile {tile} is not that of the leaves" for tile in wrong)


def check_ranges(rows, keys, kek):
    """That what each batch says it read joins without holes, and holds the records that it says."""
    names, following, pending, own = dict(rows["topics"]), {}, [], 0
    sealed = {seq: bytes.fromhex(text) for seq, _, text in rows["bodies"] if text}
    service = [subject for _, subject, text in rows["bodies"] if text][:1]
    wrapped = [bytes.fromhex(key) for subject, key in keys if subject in service]
    texts = dict(zip(sealed, opened(opened(kek, wrapped)[0], [*sealed.values()]))) if wrapped else {}
    for seq, topic, partition, offset, _, _, leaf in rows["entries"]:
        if names.get(topic):
            pending.append((seq, (names[topic], partition), offset))
            continue
        says, text = json.loads(bytes.fromhex(leaf)), texts.get(seq, b"")
        check((partition, offset) == (0, own), f"entry {seq} is number {offset} of the log's own, not {own}")
        fits, own = base64.b64encode(sha256(b"idv-audit/commit/1\0", text)).decode() == says["c"], own + 1
        check(fits, f"the body of entry {seq} is not the one that its leaf commits to")
        if says["k"] != "batch" or not fits:
            continue
        account, before = json.loads(text[32:]), [one[0] for one in pending]
        whole = before == [*range(account["from_seq"], account["to_seq"] + 1)] and len(before) == account["records"]
        check(whole, f"batch {seq} does not account for the entries before it")
        for one in account["ranges"]:
            source, first, last = (one["topic"], one["partition"]), one["first"], one["last"]
            check(first == following.get(source, first), f"batch {seq}: {source} does not join at {first}")
            there = [offset for _, place, offset in pending if place == source]
            fits = 0 < len(there) == one["records"] == last - first + 1 - one["gaps"] and there == sorted({*there})
            check(fits and first <= there[0] and there[-1] == last, f"batch {seq}: {source} is not as it says")
            following[source], pending = last + 1, [left for left in pending if left[1] != source]
    check(not pending, f"no batch says anything of {len(pending)} entries, the first is {pending[:1]}")
    following |= {("", 0): own} if own else {}
    read_on = {(names.get(topic), partition): offset for topic, partition, offset in rows["offsets"]}
    check(read_on == following, f"reading goes on at {read_on}, the batches end at {following}")


def main(history, keys, key_file, *head_store):
    # The head store first: what is signed later may be ahead of what is read now.
    notes, key = [open(file).read() for file in head_store], open(key_file, "rb").read()
    signed = [(int(note.split("\n")[1]), base64.b64decode(note.split("\n")[2]).hex(), note) for note in notes]
    rows = read(history, HISTORY)
    signed += [(size, digest, bytes.fromhex(note).decode()) for size, digest, note in rows["checkpoints"]]
    check_tree(rows, signed)
    keys = read(keys, {"keys": "@subject, #sealed FROM data_keys"})["keys"]
    check_ranges(rows, keys, key if len(key) == 32 else bytes.fromhex(key.decode().strip()))
    print("\n".join(violations) or f"ok: {len(rows['entries'])} entries, {len(signed)} checkpoints")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) if len(sys.argv) in (4, 5) else __doc__)
