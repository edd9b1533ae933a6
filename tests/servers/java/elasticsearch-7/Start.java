import org.codelibs.elasticsearch.runner.ElasticsearchClusterRunner;

/** One Elasticsearch 7.10 node in the foreground: Start HTTP_PORT DATA_FOLDER. The runner's own main dies without a word. */
public class Start {
  public static void main(String[] arguments) throws Exception {
    ElasticsearchClusterRunner runner = new ElasticsearchClusterRunner();
    runner.onBuild((number, settings) -> {
      settings.put("http.port", arguments[0]);
      settings.put("discovery.type", "single-node");
      // a developer's nearly full disk must not make the indices read-only
      settings.put("cluster.routing.allocation.disk.threshold_enabled", false);
    });
    try {
      runner.build(ElasticsearchClusterRunner.newConfigs().clusterName("gatewatch-tests").numOfNode(1).basePath(arguments[1]));
    } catch (Throwable fault) {
      fault.printStackTrace();
      System.exit(1);
    }
    Thread.currentThread().join();
  }
}
