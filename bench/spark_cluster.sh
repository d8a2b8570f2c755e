#!/bin/bash
# Start and stop a Spark standalone cluster on the loopback interface, by process id: one master, two workers.
#
# Usage: bench/spark_cluster.sh start|stop|kill-worker|master
#   start        start the master and the workers; prints the master's URL
#   kill-worker  kill the second worker and its executors, as when a machine fails
#   stop         stop all
#   master       print the master's URL
# Environment: PYTHON (default .venv/bin/python), SPARK_DIR (pids and logs; default /tmp/ckm-spark),
#   WORKER_CORES (default 1), WORKER_MEMORY (default 2g), SPARK_PORT (default 7177)
set -eu
python=${PYTHON:-.venv/bin/python}
dir=${SPARK_DIR:-/tmp/ckm-spark}
port=${SPARK_PORT:-7177}
master=spark://127.0.0.1:$port
export SPARK_HOME SPARK_LOCAL_IP=127.0.0.1 PYSPARK_PYTHON
SPARK_HOME=$("$python" -c 'import pyspark, pathlib; print(pathlib.Path(pyspark.__file__).parent)')
PYSPARK_PYTHON=$("$python" -c 'import sys; print(sys.executable)')
mkdir -p "$dir"

run() { # NAME CLASS ARGUMENTS...
  local name=$1
  shift
  # a process group of its own: killing it kills a worker's executors too
  setsid "$SPARK_HOME/bin/spark-class" "$@" > "$dir/$name.log" 2>&1 &
  echo $! > "$dir/$name.pid"
}

end() { # NAME SIGNAL
  [ -f "$dir/$1.pid" ] || return 0
  kill "-$2" -- "-$(cat "$dir/$1.pid")" 2> /dev/null || true
  rm -f "$dir/$1.pid"
}

case ${1:-} in
start)
  run master org.apache.spark.deploy.master.Master --host 127.0.0.1 --port "$port" --webui-port 0
  for _ in $(seq 300); do
    grep -qs 'I have been elected leader' "$dir/master.log" && break
    sleep 0.2
  done
  for worker in worker1 worker2; do
    run "$worker" org.apache.spark.deploy.worker.Worker --host 127.0.0.1 --webui-port 0 \
      --cores "${WORKER_CORES:-1}" --memory "${WORKER_MEMORY:-2g}" --work-dir "$dir/$worker" "$master"
  done
  for _ in $(seq 300); do
    [ "$(cat "$dir"/worker?.log | grep -c 'Successfully registered with master')" -ge 2 ] && break
    sleep 0.2
  done
  echo "$master"
  ;;
kill-worker) end worker2 KILL ;;
stop)
  for name in worker1 worker2 master; do end "$name" TERM; done
  ;;
master) echo "$master" ;;
*)
  sed -n '2,12p' "$0"
  exit 2
  ;;
esac
