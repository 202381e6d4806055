FROM golang:1.24-bookworm AS build
RUN git clone --depth 1 --branch v1.0.1 https://github.com/pingcap/go-ycsb /go-ycsb
RUN cd /go-ycsb && go build -trimpath -o /usr/local/bin/go-ycsb ./cmd/go-ycsb

FROM debian:bookworm-slim
COPY --from=build /usr/local/bin/go-ycsb /usr/local/bin/go-ycsb
USER nobody
CMD ["go-ycsb", "--help"]
