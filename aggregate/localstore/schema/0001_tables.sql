-- Times are nanoseconds since the epoch unless the column says otherwise. A
-- minute is minutes since the epoch, of the end of requests; in the tables of
-- hours and days it is the first of the hour or day.

-- Facts. Text columns are there to be searched; row has all of it.
CREATE TABLE failures (
  id INTEGER PRIMARY KEY,
  uid TEXT NOT NULL UNIQUE,
  ver INTEGER NOT NULL,           -- bits of an unsigned number
  revision INTEGER NOT NULL,
  final INTEGER NOT NULL,
  gone INTEGER NOT NULL,
  ended INTEGER NOT NULL,
  minute INTEGER NOT NULL,
  class TEXT NOT NULL,
  site TEXT NOT NULL,
  cause TEXT NOT NULL,
  symptom TEXT NOT NULL,
  backend TEXT NOT NULL,
  request_id TEXT NOT NULL,
  trace_id TEXT NOT NULL,
  vxid INTEGER NOT NULL,
  client INTEGER NOT NULL,        -- hash
  key INTEGER NOT NULL,           -- of failure_keys, as which it is counted
  bucket INTEGER NOT NULL,        -- of the histogram of durations
  confidence INTEGER NOT NULL,    -- billionths
  crawler INTEGER NOT NULL,
  background INTEGER NOT NULL,
  row BLOB,                       -- NULL for what is gone
  records BLOB                    -- NULL where they are not kept (any more)
);
CREATE INDEX failures_ended   ON failures (ended, uid, class, site, cause, backend) WHERE gone = 0;
CREATE INDEX failures_site    ON failures (site, ended, uid, class) WHERE gone = 0;
CREATE INDEX failures_cause   ON failures (cause, ended, uid, class) WHERE gone = 0;
CREATE INDEX failures_symptom ON failures (symptom, ended, uid, class) WHERE gone = 0;
CREATE INDEX failures_backend ON failures (backend, ended, uid, class) WHERE gone = 0;
CREATE INDEX failures_gone    ON failures (ended) WHERE gone = 1;
CREATE INDEX failures_request ON failures (request_id) WHERE request_id <> '';
CREATE INDEX failures_trace   ON failures (trace_id) WHERE trace_id <> '';
CREATE INDEX failures_vxid    ON failures (vxid) WHERE vxid <> 0;

-- What facts are counted as. A row of a rollup names its key by id, since the
-- same few thousand come back every minute.
CREATE TABLE failure_keys (
  id INTEGER PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,
  site TEXT NOT NULL, class TEXT NOT NULL, cause TEXT NOT NULL, symptom TEXT NOT NULL, reached TEXT NOT NULL,
  proxy TEXT NOT NULL, backend TEXT NOT NULL, route TEXT NOT NULL, version TEXT NOT NULL,
  decidable INTEGER NOT NULL,
  chain TEXT NOT NULL,            -- causes of the chain, one a line
  missing TEXT NOT NULL           -- JSON, the logs that would have decided
);
CREATE TABLE rollup_1m (
  minute INTEGER NOT NULL, key INTEGER NOT NULL,
  n INTEGER NOT NULL, saved INTEGER NOT NULL, confidence INTEGER NOT NULL, crawlers INTEGER NOT NULL, background INTEGER NOT NULL,
  hist BLOB NOT NULL,
  PRIMARY KEY (minute, key)
) WITHOUT ROWID;
CREATE TABLE rollup_1h (
  minute INTEGER NOT NULL, key INTEGER NOT NULL,
  n INTEGER NOT NULL, saved INTEGER NOT NULL, confidence INTEGER NOT NULL, crawlers INTEGER NOT NULL, background INTEGER NOT NULL,
  hist BLOB NOT NULL,
  PRIMARY KEY (minute, key)
) WITHOUT ROWID;
CREATE INDEX rollup_1h_key ON rollup_1h (key, minute, n); -- for time series of one backend
CREATE TABLE rollup_1d (
  minute INTEGER NOT NULL, key INTEGER NOT NULL,
  n INTEGER NOT NULL, saved INTEGER NOT NULL, confidence INTEGER NOT NULL, crawlers INTEGER NOT NULL, background INTEGER NOT NULL,
  hist BLOB NOT NULL,
  PRIMARY KEY (minute, key)
) WITHOUT ROWID;

CREATE TABLE traffic_keys (
  id INTEGER PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,
  front INTEGER NOT NULL,
  site TEXT NOT NULL, source TEXT NOT NULL, proxy TEXT NOT NULL, backend TEXT NOT NULL, route TEXT NOT NULL,
  method TEXT NOT NULL, status_class INTEGER NOT NULL, version TEXT NOT NULL, reused INTEGER NOT NULL
);
CREATE TABLE traffic_1m (
  minute INTEGER NOT NULL, owner INTEGER NOT NULL, key INTEGER NOT NULL, -- owner: of owners, who sent it
  n INTEGER NOT NULL, saved INTEGER NOT NULL, bytes INTEGER NOT NULL, busy_ns INTEGER NOT NULL, hist BLOB NOT NULL,
  PRIMARY KEY (minute, owner, key)
) WITHOUT ROWID;
CREATE TABLE traffic_1h (
  minute INTEGER NOT NULL, key INTEGER NOT NULL,
  n INTEGER NOT NULL, saved INTEGER NOT NULL, bytes INTEGER NOT NULL, busy_ns INTEGER NOT NULL, hist BLOB NOT NULL,
  PRIMARY KEY (minute, key)
) WITHOUT ROWID;
CREATE INDEX traffic_1h_key ON traffic_1h (key, minute, n);
CREATE TABLE traffic_1d (
  minute INTEGER NOT NULL, key INTEGER NOT NULL,
  n INTEGER NOT NULL, saved INTEGER NOT NULL, bytes INTEGER NOT NULL, busy_ns INTEGER NOT NULL, hist BLOB NOT NULL,
  PRIMARY KEY (minute, key)
) WITHOUT ROWID;

-- Narrow copies of the hours, for time series over weeks.
CREATE TABLE causes_1h (
  minute INTEGER NOT NULL, site TEXT NOT NULL, class TEXT NOT NULL, cause TEXT NOT NULL, symptom TEXT NOT NULL, n INTEGER NOT NULL,
  PRIMARY KEY (minute, site, class, cause, symptom)
) WITHOUT ROWID;
CREATE TABLE requests_1h (
  minute INTEGER NOT NULL, site TEXT NOT NULL, n INTEGER NOT NULL,
  PRIMARY KEY (minute, site)
) WITHOUT ROWID;

-- Which client addresses failed: a sketch of their hashes.
CREATE TABLE clients_1m (
  minute INTEGER NOT NULL, site TEXT NOT NULL, cause TEXT NOT NULL, backend TEXT NOT NULL, uniq BLOB NOT NULL,
  PRIMARY KEY (minute, site, cause, backend)
) WITHOUT ROWID;

-- Sources by name, for the tables that name them in every row.
CREATE TABLE owners (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, name TEXT NOT NULL);
-- That a source told of a minute at all, also of one without requests.
CREATE TABLE covered (
  minute INTEGER NOT NULL, owner INTEGER NOT NULL, front INTEGER NOT NULL, failed INTEGER NOT NULL,
  PRIMARY KEY (minute, owner)
) WITHOUT ROWID;
CREATE TABLE seconds (
  at INTEGER NOT NULL, owner INTEGER NOT NULL, site TEXT NOT NULL, requests INTEGER NOT NULL, -- at: seconds
  PRIMARY KEY (at, owner, site)
) WITHOUT ROWID;

-- How a minute of facts is counted: rows is how many keys it has. Beyond a
-- bound they are folded, and then derived anew from facts when dirty.
CREATE TABLE minutes (
  minute INTEGER PRIMARY KEY, rows INTEGER NOT NULL, folded INTEGER NOT NULL, dirty INTEGER NOT NULL,
  clients INTEGER NOT NULL -- 1: clients_1m is not of the facts as they are
);
CREATE INDEX minutes_dirty ON minutes (minute) WHERE dirty = 1;
CREATE INDEX minutes_clients ON minutes (minute) WHERE clients = 1;
-- Hours and days whose rows are not (yet) the sum of their minutes. A read
-- takes the minutes instead.
CREATE TABLE dirty_hours (minute INTEGER PRIMARY KEY);
CREATE TABLE dirty_days (minute INTEGER PRIMARY KEY);
-- Hours that some source told of, and how many of their minutes.
CREATE TABLE hours (minute INTEGER PRIMARY KEY, covered INTEGER NOT NULL);

CREATE TABLE incidents (
  id TEXT PRIMARY KEY, site TEXT NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL, ongoing INTEGER NOT NULL,
  merged_into TEXT NOT NULL, failures INTEGER NOT NULL, row BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX incidents_start ON incidents (start, id);
CREATE INDEX incidents_end ON incidents (end, start);

CREATE TABLE signals (
  id BLOB PRIMARY KEY, source TEXT NOT NULL, time INTEGER NOT NULL, event TEXT NOT NULL, record BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX signals_time ON signals (time);

CREATE TABLE sources (
  path TEXT PRIMARY KEY, row BLOB NOT NULL, position BLOB, settings BLOB, lag_s REAL NOT NULL, read_to INTEGER, updated INTEGER
) WITHOUT ROWID;

CREATE TABLE marks (
  at INTEGER NOT NULL, kind TEXT NOT NULL, site TEXT NOT NULL, what TEXT NOT NULL,
  PRIMARY KEY (at, kind, site, what)
) WITHOUT ROWID;

-- The outbox of alerts: what is to be sent, and what was.
CREATE TABLE alerts (
  id TEXT PRIMARY KEY, channel TEXT NOT NULL, kind TEXT NOT NULL, incident TEXT NOT NULL, payload BLOB NOT NULL,
  due INTEGER NOT NULL, tries INTEGER NOT NULL, state TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX alerts_due ON alerts (state, due);

CREATE TABLE state (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
