package org.elasticsearch.node;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.elasticsearch.Build;
import org.elasticsearch.client.internal.node.NodeClient;
import org.elasticsearch.cluster.metadata.IndexNameExpressionResolver;
import org.elasticsearch.cluster.node.DiscoveryNodes;
import org.elasticsearch.common.io.stream.NamedWriteableRegistry;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.ClusterSettings;
import org.elasticsearch.common.settings.IndexScopedSettings;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.common.settings.SettingsFilter;
import org.elasticsearch.env.Environment;
import org.elasticsearch.features.NodeFeature;
import org.elasticsearch.plugins.ActionPlugin;
import org.elasticsearch.plugins.MockPluginsService;
import org.elasticsearch.plugins.Plugin;
import org.elasticsearch.plugins.PluginsLoader;
import org.elasticsearch.plugins.PluginsService;
import org.elasticsearch.rest.BaseRestHandler;
import org.elasticsearch.rest.RestController;
import org.elasticsearch.rest.RestHandler;
import org.elasticsearch.rest.RestRequest;
import org.elasticsearch.rest.RestResponse;
import org.elasticsearch.rest.RestStatus;
import org.elasticsearch.transport.netty4.Netty4Plugin;

/**
 * One Elasticsearch 8 or 9 node in the foreground, its HTTP from the class path: Start HTTP_PORT DATA_FOLDER.
 * In this package because Node's constructor is its own. Modules that are not published as jars are missing.
 */
public class Start {
  public static void main(String[] arguments) throws Exception {
    LogConfigurator.configureESLogging();
    Path home = Path.of(arguments[1]).toAbsolutePath();
    Path config = Files.createDirectories(home.resolve("config"));
    Settings settings = Settings.builder()
        .put("cluster.name", "gatewatch-tests")
        .put("path.home", home.toString())
        .put("http.port", arguments[0])
        .put("http.type", "netty4")
        .put("transport.type", "netty4")
        .put("transport.port", "0")
        .put("discovery.type", "single-node")
        // a developer's nearly full disk must not make the indices read-only
        .put("cluster.routing.allocation.disk.threshold_enabled", false)
        .build();
    Environment env = InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), config, () -> "node");
    NodeServiceProvider provider = new NodeServiceProvider() {
      @Override
      PluginsService newPluginService(Environment environment, PluginsLoader loader) {
        return new MockPluginsService(environment.settings(), environment, List.of(Netty4Plugin.class, Root.class));
      }
    };
    new Node(NodeConstruction.prepareConstruction(env, null, provider, false)).start();
    Thread.currentThread().join();
  }

  /** GET / : the module that answers it (rest-root) is not published as a jar, so its answer is written again here. */
  public static class Root extends Plugin implements ActionPlugin {
    @Override
    public Collection<RestHandler> getRestHandlers(Settings settings, NamedWriteableRegistry registry, RestController controller,
        ClusterSettings clusterSettings, IndexScopedSettings indexSettings, SettingsFilter filter,
        IndexNameExpressionResolver resolver, Supplier<DiscoveryNodes> nodes, Predicate<NodeFeature> features) {
      return List.of(new BaseRestHandler() {
        @Override
        public String getName() {
          return "gatewatch_root";
        }

        @Override
        public List<Route> routes() {
          return List.of(new Route(RestRequest.Method.GET, "/"), new Route(RestRequest.Method.HEAD, "/"));
        }

        @Override
        protected RestChannelConsumer prepareRequest(RestRequest request, NodeClient client) {
          String body = """
              {"name":"node","cluster_name":"gatewatch-tests","version":{"number":"%s","lucene_version":"%s"},
              "tagline":"You Know, for Search"}""".formatted(Build.current().version(), org.apache.lucene.util.Version.LATEST);
          return channel -> channel.sendResponse(new RestResponse(RestStatus.OK, "application/json", body));
        }
      });
    }
  }
}
