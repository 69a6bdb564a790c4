// Command clickhouse_go drives a store with the stock Go client over HTTP, once with each compression; Grafana uses the same client.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

func must(err error) {
	if err != nil {
		fmt.Println("FAIL", err)
		os.Exit(1)
	}
}

func main() {
	for _, method := range []clickhouse.CompressionMethod{clickhouse.CompressionNone, clickhouse.CompressionLZ4, clickhouse.CompressionZSTD, clickhouse.CompressionGZIP, clickhouse.CompressionDeflate} {
		conn, err := clickhouse.Open(&clickhouse.Options{Protocol: clickhouse.HTTP, Addr: []string{os.Args[1]}, Auth: clickhouse.Auth{Database: "default", Username: "anna", Password: "s3cret"},
			Compression: &clickhouse.Compression{Method: method}, Settings: clickhouse.Settings{"max_execution_time": 20}})
		must(err)
		ctx := context.Background()
		must(conn.Ping(ctx))
		_, err = conn.ServerVersion()
		must(err)
		must(conn.Exec(ctx, "CREATE OR REPLACE TABLE go_types (id UInt64, name LowCardinality(String), at DateTime64(6), zone DateTime('Asia/Tokyo'), tags Map(LowCardinality(String), String), xs Array(Nullable(Int32)), ip IPv6, e Enum8('a' = 1, 'b' = 2)) ENGINE = MergeTree ORDER BY id"))
		batch, err := conn.PrepareBatch(ctx, "INSERT INTO go_types")
		must(err)
		one := int32(7)
		now := time.Now().UTC().Truncate(time.Microsecond)
		for i := 0; i < 5000; i++ {
			must(batch.Append(uint64(i), fmt.Sprint("n", i%7), now, now, map[string]string{"k": fmt.Sprint(i)}, []*int32{&one, nil}, "::1", "b"))
		}
		must(batch.Send())
		rows, err := conn.Query(ctx, "SELECT id, name, at, zone, tags, xs, ip, e FROM go_types WHERE id >= $1 ORDER BY id", 10)
		must(err)
		count := 0
		for rows.Next() {
			var (
				id   uint64
				name string
				at   time.Time
				zone time.Time
				tags map[string]string
				xs   []*int32
				ip   string
				e    string
			)
			must(rows.Scan(&id, &name, &at, &zone, &tags, &xs, &ip, &e))
			if !at.Equal(now) || zone.Location().String() != "Asia/Tokyo" || tags["k"] != fmt.Sprint(id) || ip != "::1" || name == "" || *xs[0] != 7 || xs[1] != nil || e != "b" {
				fmt.Println("FAIL row", id, name, at, zone, tags, xs, e)
				os.Exit(1)
			}
			count++
		}
		must(rows.Err())
		must(rows.Close())
		var total uint64
		must(conn.QueryRow(clickhouse.Context(ctx, clickhouse.WithQueryID("go-id"), clickhouse.WithParameters(clickhouse.Parameters{"n": "5"})), "SELECT count() FROM go_types WHERE id < {n:UInt64}").Scan(&total))
		err = conn.Exec(ctx, "SELECT * FROM missing_table")
		var exception *clickhouse.Exception
		code := int32(0)
		if errors.As(err, &exception) {
			code = exception.Code
		}
		fmt.Println(method, count, total, code)
		rows, err = conn.Query(ctx, "SELECT number, throwIf(number = 900000) FROM numbers(2000000)")
		if err == nil {
			for rows.Next() {
			}
			err = rows.Err()
		}
		fmt.Println("late error", err != nil)
		must(conn.Close())
	}
}
