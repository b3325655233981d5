# The command line as an image, for those who run it as a job: docs/deploy.md#as-a-container-job.
# docker build -t aks-reboot . && docker run --rm aks-reboot rehearse
FROM node:24-bookworm-slim AS build
WORKDIR /source
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build:cli

FROM node:24-bookworm-slim
LABEL org.opencontainers.image.title="aks-reboot-orchestrator" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build --chown=root:root /source/dist/cli /app
# Whoever runs it may write here, and nowhere else.
RUN mkdir /state && chown node:node /state
USER node
ENV NODE_ENV=production XDG_STATE_HOME=/state
VOLUME /state
WORKDIR /tmp
ENTRYPOINT ["node", "/app/bin/aks-reboot.js"]
CMD ["--help"]
